#include <cstdint>
#include <cstring>

#include "index/kernels/cpu_level.h"
#include "index/kernels/half_formats.h"
#include "index/kernels/kernel_levels.h"
#include "index/kernels/kernel_rows.h"
#include "index/kernels/kernel_vectors.h"
#include "index/kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace semblance::index {
namespace {

struct BaselineFp16 {
  using Value = uint16_t;
  static constexpr int kBytes = 16;
  static SEMBLANCE_INLINE void Load(const uint16_t* halves, Floats<kBytes>* vector) {
    for (int i = 0; i < Vector<kBytes>::kLanes; ++i) {
      (*vector)[i] = FloatOfFp16(ValueAt(halves, i));
    }
  }
};

// A NaN need not become quiet on its way into a sum.
struct BaselineBf16 {
  using Value = uint16_t;
  static constexpr int kBytes = 16;
  static SEMBLANCE_INLINE void Load(const uint16_t* halves, Floats<kBytes>* vector) {
    Vector<kBytes>::HalfWords loaded;
    std::memcpy(&loaded, halves, sizeof(loaded));
    *vector = reinterpret_cast<Floats<kBytes>>(__builtin_convertvector(loaded, Vector<kBytes>::Words) << 16);
  }
};

template <typename Metric, typename Format>
float BaselineRow(const float* query, const uint16_t* row, int dimension) {
  return ScoreOf<Metric, Format>(query, row, dimension);
}

template <typename Metric, typename Format>
void BaselineRows(const float* query, const RowBlock<uint16_t>& rows, int dimension, float* scores) {
  ScoreFloats<Metric, Format>(query, rows, dimension, scores);
}

void BaselineFp16FromFloats(const float* values, int64_t count, uint16_t* halves) {
  for (int64_t i = 0; i < count; ++i) {
    halves[i] = Fp16OfFloat(ValueAt(values, i));
  }
}

void BaselineFp16ToFloats(const uint16_t* halves, int64_t count, float* values) {
  for (int64_t i = 0; i < count; ++i) {
    values[i] = FloatOfFp16(ValueAt(halves, i));
  }
}

SEMBLANCE_INLINE void AllBf16FromFloats(const float* values, int64_t count, uint16_t* halves) {
  for (int64_t i = 0; i < count; ++i) {
    halves[i] = Bf16OfFloat(ValueAt(values, i));
  }
}

SEMBLANCE_INLINE void AllBf16ToFloats(const uint16_t* halves, int64_t count, float* values) {
  for (int64_t i = 0; i < count; ++i) {
    values[i] = FloatOfBf16(ValueAt(halves, i));
  }
}

void BaselineBf16FromFloats(const float* values, int64_t count, uint16_t* halves) {
  AllBf16FromFloats(values, count, halves);
}

void BaselineBf16ToFloats(const uint16_t* halves, int64_t count, float* values) {
  AllBf16ToFloats(halves, count, values);
}

#if defined(__x86_64__)
struct Avx2Fp16 {
  using Value = uint16_t;
  static constexpr int kBytes = 32;
  SEMBLANCE_AVX2 static inline void Load(const uint16_t* halves, Floats<kBytes>* vector) {
    *vector = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
  }
};

// Masked, for of the forms without a mask GCC 12 says that they read an uninitialized value.
constexpr __mmask16 kAllLanes = 0xFFFF;

struct Avx512Fp16 {
  using Value = uint16_t;
  static constexpr int kBytes = 64;
  SEMBLANCE_AVX512 static inline void Load(const uint16_t* halves, Floats<kBytes>* vector) {
    *vector = _mm512_maskz_cvtph_ps(kAllLanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
  }
};

struct Avx2Bf16 {
  using Value = uint16_t;
  static constexpr int kBytes = 32;
  SEMBLANCE_AVX2 static inline void Load(const uint16_t* halves, Floats<kBytes>* vector) {
    const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
    *vector = _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
  }
};

struct Avx512Bf16 {
  using Value = uint16_t;
  static constexpr int kBytes = 64;
  SEMBLANCE_AVX512 static inline void Load(const uint16_t* halves, Floats<kBytes>* vector) {
    const __m512i bits = _mm512_maskz_cvtepu16_epi32(kAllLanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
    *vector = _mm512_castsi512_ps(_mm512_maskz_slli_epi32(kAllLanes, bits, 16));
  }
};

template <typename Metric, typename Format>
SEMBLANCE_AVX2 float Avx2Row(const float* query, const uint16_t* row, int dimension) {
  return ScoreOf<Metric, Format>(query, row, dimension);
}

template <typename Metric, typename Format>
SEMBLANCE_AVX2 void Avx2Rows(const float* query, const RowBlock<uint16_t>& rows, int dimension, float* scores) {
  ScoreFloats<Metric, Format>(query, rows, dimension, scores);
}

template <typename Metric, typename Format>
SEMBLANCE_AVX512 float Avx512Row(const float* query, const uint16_t* row, int dimension) {
  return ScoreOf<Metric, Format>(query, row, dimension);
}

template <typename Metric, typename Format>
SEMBLANCE_AVX512 void Avx512Rows(const float* query, const RowBlock<uint16_t>& rows, int dimension, float* scores) {
  ScoreFloats<Metric, Format>(query, rows, dimension, scores);
}

// Conversions wait for memory: the instructions of AVX2 are enough for both levels.
SEMBLANCE_AVX2 void Avx2Fp16FromFloats(const float* values, int64_t count, uint16_t* halves) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i converted = _mm256_cvtps_ph(_mm256_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(halves + i), converted);
  }
  for (; i < count; ++i) {
    halves[i] = Fp16OfFloat(ValueAt(values, i));
  }
}

SEMBLANCE_AVX2 void Avx2Fp16ToFloats(const uint16_t* halves, int64_t count, float* values) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm256_storeu_ps(values + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + i))));
  }
  for (; i < count; ++i) {
    values[i] = FloatOfFp16(ValueAt(halves, i));
  }
}

SEMBLANCE_AVX2 void Avx2Bf16FromFloats(const float* values, int64_t count, uint16_t* halves) {
  AllBf16FromFloats(values, count, halves);
}

SEMBLANCE_AVX2 void Avx2Bf16ToFloats(const uint16_t* halves, int64_t count, float* values) {
  AllBf16ToFloats(halves, count, values);
}
#endif

const HalfKernels& BestFp16Kernels() {
  static const HalfKernels& kernels = Fp16KernelsFor(DetectCpuLevel());
  return kernels;
}

const HalfKernels& BestBf16Kernels() {
  static const HalfKernels& kernels = Bf16KernelsFor(DetectCpuLevel());
  return kernels;
}

}  // namespace

const HalfKernels& Fp16KernelsFor(CpuLevel level) {
  static constexpr HalfKernels kBaseline = {
      {BaselineRow<DotProductMetric, BaselineFp16>, BaselineRow<SquaredDistanceMetric, BaselineFp16>,
       BaselineRows<DotProductMetric, BaselineFp16>, BaselineRows<SquaredDistanceMetric, BaselineFp16>},
      BaselineFp16FromFloats,
      BaselineFp16ToFloats};
#if defined(__x86_64__)
  static constexpr HalfKernels kAvx2 = {{Avx2Row<DotProductMetric, Avx2Fp16>, Avx2Row<SquaredDistanceMetric, Avx2Fp16>,
                                         Avx2Rows<DotProductMetric, Avx2Fp16>, Avx2Rows<SquaredDistanceMetric, Avx2Fp16>},
                                        Avx2Fp16FromFloats,
                                        Avx2Fp16ToFloats};
  static constexpr HalfKernels kAvx512 = {{Avx512Row<DotProductMetric, Avx512Fp16>, Avx512Row<SquaredDistanceMetric, Avx512Fp16>,
                                           Avx512Rows<DotProductMetric, Avx512Fp16>, Avx512Rows<SquaredDistanceMetric, Avx512Fp16>},
                                          Avx2Fp16FromFloats,
                                          Avx2Fp16ToFloats};
  if (level >= CpuLevel::kAvx512) {
    return kAvx512;
  }
  if (level >= CpuLevel::kAvx2) {
    return kAvx2;
  }
#endif
  static_cast<void>(level);
  return kBaseline;
}

const HalfKernels& Bf16KernelsFor(CpuLevel level) {
  static constexpr HalfKernels kBaseline = {
      {BaselineRow<DotProductMetric, BaselineBf16>, BaselineRow<SquaredDistanceMetric, BaselineBf16>,
       BaselineRows<DotProductMetric, BaselineBf16>, BaselineRows<SquaredDistanceMetric, BaselineBf16>},
      BaselineBf16FromFloats,
      BaselineBf16ToFloats};
#if defined(__x86_64__)
  static constexpr HalfKernels kAvx2 = {{Avx2Row<DotProductMetric, Avx2Bf16>, Avx2Row<SquaredDistanceMetric, Avx2Bf16>,
                                         Avx2Rows<DotProductMetric, Avx2Bf16>, Avx2Rows<SquaredDistanceMetric, Avx2Bf16>},
                                        Avx2Bf16FromFloats,
                                        Avx2Bf16ToFloats};
  static constexpr HalfKernels kAvx512 = {{Avx512Row<DotProductMetric, Avx512Bf16>, Avx512Row<SquaredDistanceMetric, Avx512Bf16>,
                                           Avx512Rows<DotProductMetric, Avx512Bf16>, Avx512Rows<SquaredDistanceMetric, Avx512Bf16>},
                                          Avx2Bf16FromFloats,
                                          Avx2Bf16ToFloats};
  if (level >= CpuLevel::kAvx512) {
    return kAvx512;
  }
  if (level >= CpuLevel::kAvx2) {
    return kAvx2;
  }
#endif
  static_cast<void>(level);
  return kBaseline;
}

float DotProductBf16(const float* query, const uint16_t* row, int dimension) {
  return BestBf16Kernels().dot_product(query, row, dimension);
}

float SquaredDistanceBf16(const float* query, const uint16_t* row, int dimension) {
  return BestBf16Kernels().squared_distance(query, row, dimension);
}

float DotProductFp16(const float* query, const uint16_t* row, int dimension) {
  return BestFp16Kernels().dot_product(query, row, dimension);
}

float SquaredDistanceFp16(const float* query, const uint16_t* row, int dimension) {
  return BestFp16Kernels().squared_distance(query, row, dimension);
}

void DotProductsFp16(const float* query, const uint16_t* rows, int64_t count, int dimension, float* scores) {
  BestFp16Kernels().dot_products(query, {rows, dimension, nullptr, count}, dimension, scores);
}

void DotProductsBf16(const float* query, const uint16_t* rows, int64_t count, int dimension, float* scores) {
  BestBf16Kernels().dot_products(query, {rows, dimension, nullptr, count}, dimension, scores);
}

void SquaredDistancesFp16(const float* query, const uint16_t* rows, int64_t count, int dimension, float* scores) {
  BestFp16Kernels().squared_distances(query, {rows, dimension, nullptr, count}, dimension, scores);
}

void SquaredDistancesBf16(const float* query, const uint16_t* rows, int64_t count, int dimension, float* scores) {
  BestBf16Kernels().squared_distances(query, {rows, dimension, nullptr, count}, dimension, scores);
}

void FloatsToFp16(const float* values, int64_t count, uint16_t* halves) {
  BestFp16Kernels().from_floats(values, count, halves);
}

void FloatsToBf16(const float* values, int64_t count, uint16_t* halves) {
  BestBf16Kernels().from_floats(values, count, halves);
}

void Fp16ToFloats(const uint16_t* halves, int64_t count, float* values) {
  BestFp16Kernels().to_floats(halves, count, values);
}

void Bf16ToFloats(const uint16_t* halves, int64_t count, float* values) {
  BestBf16Kernels().to_floats(halves, count, values);
}

}  // namespace semblance::index
