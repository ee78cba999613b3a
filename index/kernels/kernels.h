// Inner products of vectors of floats and of 8-bit integers, with the widest vector instructions that the processor has.
//
// Thread-safe: functions without state, which keep no pointer. Vectors need no alignment, not even that of their type; ids and
// outputs need the alignment of theirs. A query and a row have the same score in every call of one process, whether the row is
// scored alone, in a block or gathered. So a row keeps its score when its segment is sealed.
//
// Rows are row-major: they have `dimension` >= 1 values each and lie one after another, or `stride` bytes apart where a stride is
// given. Scores of floats are sums in float; their error is about 1e-6 of the sum of the terms' magnitudes. Scores of 8-bit
// integers are exact. REQUIRES: count >= 0; `scores` has room for one score a row and overlaps no input.
#ifndef SEMBLANCE_INDEX_KERNELS_KERNELS_H_
#define SEMBLANCE_INDEX_KERNELS_KERNELS_H_

#include <cstdint>

#include "absl/types/span.h"

namespace semblance::index {

// Returns <a, b>.
float DotProduct(const float* a, const float* b, int dimension);

// Sets scores[i] = <query, row i>.
void DotProducts(const float* query, const float* rows, int64_t count, int dimension, float* scores);

// Sets scores[i] = <query, row ids[i]>. Fetches rows ahead, because they may lie anywhere in memory.
void DotProductsGather(const float* query, const float* rows, absl::Span<const uint32_t> ids, int dimension, float* scores);

// A query of signed bytes, which must outlive it. REQUIRES: 1 to 4,096 values in [-127, 127].
struct Int8Query {
  explicit Int8Query(absl::Span<const int8_t> query);

  const int8_t* values;
  int dimension;
  int32_t offset = 0;  // 128 times the sum of the values. Storing rows as unsigned bytes adds this to an inner product.
};

// Rows of bytes, each a signed value + 128.
struct Int8Rows {
  const uint8_t* first;
  int64_t stride;  // Bytes from one row to the next.
};

// Returns <query, row - 128>.
int32_t DotInt8(const Int8Query& query, const uint8_t* row);

// Sets scores[i] = <query, row ids[i] - 128>. Fetches rows ahead.
void DotsInt8Gather(const Int8Query& query, const Int8Rows& rows, absl::Span<const uint32_t> ids, int32_t* scores);

// Scans read rows of bytes in interleaved blocks: a block holds columns 0 to 3 of its first row, of its second row, and so on, then
// columns 4 to 7 of its first row, and so on.
inline constexpr int kInt8BlockRows = 16;

// Sets scores[i] = <query, row i - 128> for the kInt8BlockRows * count rows of `blocks`, which lie one after another. REQUIRES: the
// query's dimension is a multiple of 4.
void DotsInt8Blocks(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_KERNELS_H_
