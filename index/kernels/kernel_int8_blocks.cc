#include <cstdint>
#include <cstring>

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

// One step of a kernel reads four columns of a block.
constexpr int kGroupColumns = 4;
constexpr int kGroupBytes = kGroupColumns * kInt8BlockRows;
// Independent sums, which hide the latency of an addition.
constexpr int kChains = 4;

// The operations of the levels. `Query` holds four columns of a query, and Add adds the products of kLanes rows to their sums.
struct BaselineGroup {
  static constexpr int kBytes = 16;
  using Query = const int8_t*;

  static SEMBLANCE_INLINE void Load(const int8_t* query, Query* columns) { *columns = query; }

  static SEMBLANCE_INLINE void Add(const Query& query, const uint8_t* rows, Ints<kBytes>* sums) {
    Vector<kBytes>::Words group;
    std::memcpy(&group, rows, sizeof(group));
    for (int column = 0; column < kGroupColumns; ++column) {
      *sums += reinterpret_cast<Ints<kBytes>>((group >> (8 * column)) & 0xffu) * static_cast<int32_t>(query[column]);
    }
  }
};

#if defined(__x86_64__)
// vpmaddwd multiplies 16-bit values and sums neighboring pairs at 32 bits. Columns 0 and 2 form one such pair, 1 and 3 the other.
struct Avx2Group {
  static constexpr int kBytes = 32;
  struct Query {
    __m256i even;
    __m256i odd;
  };

  SEMBLANCE_AVX2 static inline void Load(const int8_t* query, Query* columns) {
    columns->even = _mm256_set1_epi32((query[0] & 0xffff) | query[2] * (1 << 16));
    columns->odd = _mm256_set1_epi32((query[1] & 0xffff) | query[3] * (1 << 16));
  }

  SEMBLANCE_AVX2 static inline void Add(const Query& query, const uint8_t* rows, Ints<kBytes>* sums) {
    const __m256i group = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows));
    const __m256i even = _mm256_and_si256(group, _mm256_set1_epi16(0xff));
    const __m256i odd = _mm256_srli_epi16(group, 8);
    const __m256i products = _mm256_add_epi32(_mm256_madd_epi16(even, query.even), _mm256_madd_epi16(odd, query.odd));
    *sums += reinterpret_cast<Ints<kBytes>>(products);
  }
};

struct Avx512Group {
  static constexpr int kBytes = 64;
  struct Query {
    __m512i even;
    __m512i odd;
  };

  SEMBLANCE_AVX512 static inline void Load(const int8_t* query, Query* columns) {
    columns->even = _mm512_set1_epi32((query[0] & 0xffff) | query[2] * (1 << 16));
    columns->odd = _mm512_set1_epi32((query[1] & 0xffff) | query[3] * (1 << 16));
  }

  SEMBLANCE_AVX512 static inline void Add(const Query& query, const uint8_t* rows, Ints<kBytes>* sums) {
    const __m512i group = _mm512_loadu_si512(rows);
    const __m512i even = _mm512_and_si512(group, _mm512_set1_epi16(0xff));
    const __m512i odd = _mm512_srli_epi16(group, 8);
    const __m512i products = _mm512_add_epi32(_mm512_madd_epi16(even, query.even), _mm512_madd_epi16(odd, query.odd));
    *sums += reinterpret_cast<Ints<kBytes>>(products);
  }
};

struct Avx512VnniGroup {
  static constexpr int kBytes = 64;
  using Query = __m512i;

  SEMBLANCE_AVX512_VNNI static inline void Load(const int8_t* query, Query* columns) {
    int32_t four = 0;
    std::memcpy(&four, query, sizeof(four));
    *columns = _mm512_set1_epi32(four);
  }

  SEMBLANCE_AVX512_VNNI static inline void Add(const Query& query, const uint8_t* rows, Ints<kBytes>* sums) {
    *sums = reinterpret_cast<Ints<kBytes>>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(*sums), _mm512_loadu_si512(rows), query));
  }
};
#endif

template <typename Group>
SEMBLANCE_INLINE void ScoreBlock(const Int8Query& query, const uint8_t* block, int32_t* scores) {
  constexpr int kVectors = kGroupBytes / Group::kBytes;
  Ints<Group::kBytes> sums[kChains][kVectors] = {};
  const auto add = [&](int column, Ints<Group::kBytes>* chain) __attribute__((always_inline)) {
    typename Group::Query columns;
    Group::Load(query.values + column, &columns);
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector) {
      Group::Add(columns, block + int64_t{column} * kInt8BlockRows + int64_t{vector} * Group::kBytes, &chain[vector]);
    }
  };
  int column = 0;
  for (; column + kChains * kGroupColumns <= query.dimension; column += kChains * kGroupColumns) {
#pragma GCC unroll 4  // Unrolled, the sums stay in registers.
    for (int chain = 0; chain < kChains; ++chain) {
      add(column + chain * kGroupColumns, sums[chain]);
    }
  }
  for (; column < query.dimension; column += kGroupColumns) {
    add(column, sums[0]);
  }
#pragma GCC unroll 4
  for (int vector = 0; vector < kVectors; ++vector) {
    const Ints<Group::kBytes> sum = (sums[0][vector] + sums[1][vector]) + (sums[2][vector] + sums[3][vector]) - query.offset;
    std::memcpy(scores + vector * Vector<Group::kBytes>::kLanes, &sum, sizeof(sum));
  }
}

template <typename Group>
SEMBLANCE_INLINE void ScoreBlocks(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores) {
  for (int64_t i = 0; i < count; ++i) {
    ScoreBlock<Group>(query, blocks + i * query.dimension * kInt8BlockRows, scores + i * kInt8BlockRows);
  }
}

void BaselineBlocks(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores) {
  ScoreBlocks<BaselineGroup>(query, blocks, count, scores);
}

#if defined(__x86_64__)
SEMBLANCE_AVX2 void Avx2Blocks(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores) {
  ScoreBlocks<Avx2Group>(query, blocks, count, scores);
}

SEMBLANCE_AVX512 void Avx512Blocks(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores) {
  ScoreBlocks<Avx512Group>(query, blocks, count, scores);
}

SEMBLANCE_AVX512_VNNI void Avx512VnniBlocks(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores) {
  ScoreBlocks<Avx512VnniGroup>(query, blocks, count, scores);
}
#endif

}  // namespace

Int8BlockKernel Int8BlockKernelFor(CpuLevel level) {
#if defined(__x86_64__)
  switch (level) {
    case CpuLevel::kBaseline:
      return BaselineBlocks;
    case CpuLevel::kAvx2:
      return Avx2Blocks;
    case CpuLevel::kAvx512:
      return Avx512Blocks;
    case CpuLevel::kAvx512Vnni:
      return Avx512VnniBlocks;
  }
#endif
  static_cast<void>(level);
  return BaselineBlocks;
}

void DotsInt8Blocks(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores) {
  static const Int8BlockKernel kKernel = Int8BlockKernelFor(DetectCpuLevel());
  kKernel(query, blocks, count, scores);
}

}  // namespace semblance::index
