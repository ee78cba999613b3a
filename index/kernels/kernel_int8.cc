#include <cstdint>

#include "index/kernels/cpu_level.h"
#include "index/kernels/kernel_levels.h"
#include "index/kernels/kernel_rows.h"
#include "index/kernels/kernel_vectors.h"
#include "index/kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace semblance::index {
namespace {

struct BaselineDot {
  static SEMBLANCE_INLINE int32_t Score(const Int8Query& query, const uint8_t* row) {
    int32_t sum = 0;
    for (int i = 0; i < query.dimension; ++i) {
      sum += row[i] * query.values[i];
    }
    return sum - query.offset;
  }
};

template <typename Kernel>
SEMBLANCE_INLINE void ScoreInt8(const Int8Query& query, const RowBlock<uint8_t>& rows, int32_t* scores) {
  const auto score_row = [&query](const uint8_t* row) __attribute__((always_inline)) {
    return Kernel::Score(query, row);
  };
  ScoreRows(rows, query.dimension, score_row, scores);
}

int32_t BaselineRow(const Int8Query& query, const uint8_t* row) {
  return BaselineDot::Score(query, row);
}

void BaselineRows(const Int8Query& query, const RowBlock<uint8_t>& rows, int32_t* scores) {
  ScoreInt8<BaselineDot>(query, rows, scores);
}

#if defined(__x86_64__)
// The operations of the levels. Add adds kLanes products to a vector of sums; AddRest adds the products from `begin` to `end`,
// which are fewer than kLanes.
//
// A product is at most 255 * 127. vpmaddwd sums pairs of 16-bit products at 32 bits, so that a lane holds the sum of 4,096 of them.
// vpmaddubsw would need fewer instructions, but saturates at 16 bits.
struct Avx2Product {
  static constexpr int kBytes = 32;
  static constexpr int kLanes = 16;

  SEMBLANCE_AVX2 static inline void Add(const int8_t* query, const uint8_t* row, Ints<kBytes>* sum) {
    Add(query, row, _mm256_set1_epi16(-1), sum);
  }

  SEMBLANCE_AVX2 static inline void AddRest(const int8_t* query, const uint8_t* row, int begin, int end, Ints<kBytes>* sum) {
    static constexpr int16_t kMasks[2 * kLanes] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                                   -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + end - begin));
    if (begin > 0) {
      Add(query + end - kLanes, row + end - kLanes, mask, sum);
      return;
    }
    int8_t x[kLanes] = {};
    uint8_t y[kLanes] = {};
    for (int i = 0; i < end; ++i) {
      x[kLanes - end + i] = query[i];
      y[kLanes - end + i] = row[i];
    }
    Add(x, y, mask, sum);
  }

  SEMBLANCE_AVX2 static inline void Add(const int8_t* query, const uint8_t* row, __m256i mask, Ints<kBytes>* sum) {
    const __m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(query)));
    const __m256i y = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row)));
    *sum += reinterpret_cast<Ints<kBytes>>(_mm256_madd_epi16(_mm256_and_si256(x, mask), y));
  }
};

struct Avx512Product {
  static constexpr int kBytes = 64;
  static constexpr int kLanes = 32;

  SEMBLANCE_AVX512 static inline void Add(const int8_t* query, const uint8_t* row, Ints<kBytes>* sum) {
    Add(query, row, ~__mmask32{0}, sum);
  }

  SEMBLANCE_AVX512 static inline void AddRest(const int8_t* query, const uint8_t* row, int begin, int end, Ints<kBytes>* sum) {
    Add(query + begin, row + begin, (__mmask32{1} << (end - begin)) - 1, sum);
  }

  SEMBLANCE_AVX512 static inline void Add(const int8_t* query, const uint8_t* row, __mmask32 mask, Ints<kBytes>* sum) {
    const __m512i x = _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(mask, query));
    const __m512i y = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, row));
    *sum += reinterpret_cast<Ints<kBytes>>(_mm512_madd_epi16(x, y));
  }
};

struct Avx512VnniProduct {
  static constexpr int kBytes = 64;
  static constexpr int kLanes = 64;

  SEMBLANCE_AVX512_VNNI static inline void Add(const int8_t* query, const uint8_t* row, Ints<kBytes>* sum) {
    Add(_mm512_loadu_si512(query), _mm512_loadu_si512(row), sum);
  }

  SEMBLANCE_AVX512_VNNI static inline void AddRest(const int8_t* query, const uint8_t* row, int begin, int end, Ints<kBytes>* sum) {
    const __mmask64 mask = (__mmask64{1} << (end - begin)) - 1;
    Add(_mm512_maskz_loadu_epi8(mask, query + begin), _mm512_maskz_loadu_epi8(mask, row + begin), sum);
  }

  SEMBLANCE_AVX512_VNNI static inline void Add(__m512i query, __m512i row, Ints<kBytes>* sum) {
    *sum = reinterpret_cast<Ints<kBytes>>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(*sum), row, query));
  }
};

template <typename Operation>
struct VectorKernel {
  static SEMBLANCE_INLINE int32_t Score(const Int8Query& query, const uint8_t* row) {
    constexpr int kLanes = Operation::kLanes;
    const int8_t* values = query.values;
    const int dimension = query.dimension;
    Ints<Operation::kBytes> sums[2] = {};
    int i = 0;
    for (; i + 2 * kLanes <= dimension; i += 2 * kLanes) {
      Operation::Add(values + i, row + i, &sums[0]);
      Operation::Add(values + i + kLanes, row + i + kLanes, &sums[1]);
    }
    if (i + kLanes <= dimension) {
      Operation::Add(values + i, row + i, &sums[0]);
      i += kLanes;
    }
    if (i < dimension) {
      Operation::AddRest(values, row, i, dimension, &sums[1]);
    }
    const Ints<Operation::kBytes> sum = sums[0] + sums[1];
    return TotalOf<Ints, Operation::kBytes>(sum) - query.offset;
  }
};

using Avx2Dot = VectorKernel<Avx2Product>;
using Avx512Dot = VectorKernel<Avx512Product>;
using Avx512VnniDot = VectorKernel<Avx512VnniProduct>;

SEMBLANCE_AVX2 int32_t Avx2Row(const Int8Query& query, const uint8_t* row) {
  return Avx2Dot::Score(query, row);
}

SEMBLANCE_AVX2 void Avx2Rows(const Int8Query& query, const RowBlock<uint8_t>& rows, int32_t* scores) {
  ScoreInt8<Avx2Dot>(query, rows, scores);
}

SEMBLANCE_AVX512 int32_t Avx512Row(const Int8Query& query, const uint8_t* row) {
  return Avx512Dot::Score(query, row);
}

SEMBLANCE_AVX512 void Avx512Rows(const Int8Query& query, const RowBlock<uint8_t>& rows, int32_t* scores) {
  ScoreInt8<Avx512Dot>(query, rows, scores);
}

SEMBLANCE_AVX512_VNNI int32_t Avx512VnniRow(const Int8Query& query, const uint8_t* row) {
  return Avx512VnniDot::Score(query, row);
}

SEMBLANCE_AVX512_VNNI void Avx512VnniRows(const Int8Query& query, const RowBlock<uint8_t>& rows, int32_t* scores) {
  ScoreInt8<Avx512VnniDot>(query, rows, scores);
}

#endif

const Int8Kernels& BestKernels() {
  static const Int8Kernels& kernels = Int8KernelsFor(DetectCpuLevel());
  return kernels;
}

}  // namespace

const Int8Kernels& Int8KernelsFor(CpuLevel level) {
  static constexpr Int8Kernels kBaseline = {BaselineRow, BaselineRows};
#if defined(__x86_64__)
  static constexpr Int8Kernels kAvx2 = {Avx2Row, Avx2Rows};
  static constexpr Int8Kernels kAvx512 = {Avx512Row, Avx512Rows};
  static constexpr Int8Kernels kAvx512Vnni = {Avx512VnniRow, Avx512VnniRows};
  switch (level) {
    case CpuLevel::kBaseline:
      return kBaseline;
    case CpuLevel::kAvx2:
      return kAvx2;
    case CpuLevel::kAvx512:
      return kAvx512;
    case CpuLevel::kAvx512Vnni:
      return kAvx512Vnni;
  }
#endif
  static_cast<void>(level);
  return kBaseline;
}

Int8Query::Int8Query(absl::Span<const int8_t> query) : values(query.data()), dimension(static_cast<int>(query.size())) {
  constexpr int kZero = 128;  // How a row stores 0.
  for (const int8_t value : query) {
    offset += kZero * value;
  }
}

int32_t DotInt8(const Int8Query& query, const uint8_t* row) {
  return BestKernels().dot_product(query, row);
}

void DotsInt8Gather(const Int8Query& query, const Int8Rows& rows, absl::Span<const uint32_t> ids, int32_t* scores) {
  BestKernels().dot_products(query, {rows.first, rows.stride, ids.data(), static_cast<int64_t>(ids.size())}, scores);
}

}  // namespace semblance::index
