// Inner products and squared distances of vectors in every stored format, by the widest vector instructions that the processor has.
//
// Thread-safe: functions without state, which keep no pointer. Vectors need no alignment, not even that of their type; ids and
// outputs need that. A query and a row have the same score in every call of one process, alone, in a block or gathered: so a row
// keeps its score when its segment is sealed.
//
// Rows are row-major: `dimension` >= 1 values each, one row after another, or `stride` bytes apart where a stride is given. Scores
// of floats are sums in float: their relative error is about 1e-6 of the sum of the terms' sizes. Scores of int8 are exact.
// REQUIRES: count >= 0; `scores` has room for one score a row and overlaps no input.
//
// fp16 is IEEE 754 half precision, bf16 the upper half of a float; both are held as their bits.
#ifndef SEMBLANCE_INDEX_KERNELS_KERNELS_H_
#define SEMBLANCE_INDEX_KERNELS_KERNELS_H_

#include <cstdint>

#include "absl/types/span.h"

namespace semblance::index {

// <a, b> and |a - b|^2.
float DotProduct(const float* a, const float* b, int dimension);
float SquaredDistance(const float* a, const float* b, int dimension);

// <query, row> and |query - row|^2.
float DotProductFp16(const float* query, const uint16_t* row, int dimension);
float DotProductBf16(const float* query, const uint16_t* row, int dimension);
float SquaredDistanceFp16(const float* query, const uint16_t* row, int dimension);
float SquaredDistanceBf16(const float* query, const uint16_t* row, int dimension);

// scores[i] = <query, row i>.
void DotProducts(const float* query, const float* rows, int64_t count, int dimension, float* scores);
void DotProductsFp16(const float* query, const uint16_t* rows, int64_t count, int dimension, float* scores);
void DotProductsBf16(const float* query, const uint16_t* rows, int64_t count, int dimension, float* scores);

// scores[i] = |query - row i|^2.
void SquaredDistances(const float* query, const float* rows, int64_t count, int dimension, float* scores);
void SquaredDistancesFp16(const float* query, const uint16_t* rows, int64_t count, int dimension, float* scores);
void SquaredDistancesBf16(const float* query, const uint16_t* rows, int64_t count, int dimension, float* scores);

// scores[i] = <query, row ids[i]>, fetching the rows ahead: for rows that lie anywhere in memory.
void DotProductsGather(const float* query, const float* rows, absl::Span<const uint32_t> ids, int dimension, float* scores);

// Rounds to the nearest, ties to even; too large becomes infinite, and NaN stays a (quiet) NaN.
void FloatsToFp16(const float* values, int64_t count, uint16_t* halves);
void FloatsToBf16(const float* values, int64_t count, uint16_t* halves);

// Exact; NaN becomes quiet.
void Fp16ToFloats(const uint16_t* halves, int64_t count, float* values);
void Bf16ToFloats(const uint16_t* halves, int64_t count, float* values);

// A query of signed bytes, which must outlive it. REQUIRES: values in [-127, 127], 1 to 4,096 of them.
struct Int8Query {
  explicit Int8Query(absl::Span<const int8_t> query);

  const int8_t* values;
  int dimension;
  int32_t offset = 0;  // 128 times the sum of the values: what storing the rows without a sign adds to an inner product.
};

// Rows of bytes, each a signed value + 128.
struct Int8Rows {
  const uint8_t* first;
  int64_t stride;  // Bytes from one row to the next.
};

// <query, row - 128> and |query - (row - 128)|^2.
int32_t DotInt8(const Int8Query& query, const uint8_t* row);
int32_t SquaredDistanceInt8(const Int8Query& query, const uint8_t* row);

// scores[i] = <query, row i - 128>.
void DotsInt8(const Int8Query& query, const Int8Rows& rows, int64_t count, int32_t* scores);

// scores[i] = |query - (row i - 128)|^2.
void SquaredDistancesInt8(const Int8Query& query, const Int8Rows& rows, int64_t count, int32_t* scores);

// scores[i] = <query, row ids[i] - 128>, fetching the rows ahead.
void DotsInt8Gather(const Int8Query& query, const Int8Rows& rows, absl::Span<const uint32_t> ids, int32_t* scores);

// Rows of bytes in interleaved blocks, for scans: a block holds columns 0 to 3 of its first row, of its second, ... then columns 4
// to 7 of its first row, and so on.
inline constexpr int kInt8BlockRows = 16;

// scores[i] = <query, row i - 128> of the kInt8BlockRows * count rows of `blocks`, which lie one after another. REQUIRES: the
// query's dimension is a multiple of 4.
void DotsInt8Blocks(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_KERNELS_H_
