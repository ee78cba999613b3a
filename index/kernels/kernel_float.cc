#include <cstdint>

#include "index/kernels/cpu_level.h"
#include "index/kernels/kernel_levels.h"
#include "index/kernels/kernel_rows.h"
#include "index/kernels/kernel_vectors.h"
#include "index/kernels/kernels.h"

namespace semblance::index {
namespace {

float BaselineRow(const float* query, const float* row, int dimension) {
  return ScoreOf<16>(query, row, dimension);
}

void BaselineRows(const float* query, const RowBlock<float>& rows, int dimension, float* scores) {
  ScoreFloats<16>(query, rows, dimension, scores);
}

#if defined(__x86_64__)
SEMBLANCE_AVX2 float Avx2Row(const float* query, const float* row, int dimension) {
  return ScoreOf<32>(query, row, dimension);
}

SEMBLANCE_AVX2 void Avx2Rows(const float* query, const RowBlock<float>& rows, int dimension, float* scores) {
  ScoreFloats<32>(query, rows, dimension, scores);
}

SEMBLANCE_AVX512 float Avx512Row(const float* query, const float* row, int dimension) {
  return ScoreOf<64>(query, row, dimension);
}

SEMBLANCE_AVX512 void Avx512Rows(const float* query, const RowBlock<float>& rows, int dimension, float* scores) {
  ScoreFloats<64>(query, rows, dimension, scores);
}
#endif

// A table is used instead of target_clones, because the resolvers of target_clones run before the sanitizers are ready.
const FloatKernels& BestKernels() {
  static const FloatKernels& kernels = FloatKernelsFor(DetectCpuLevel());
  return kernels;
}

}  // namespace

const FloatKernels& FloatKernelsFor(CpuLevel level) {
  static constexpr FloatKernels kBaseline = {BaselineRow, BaselineRows};
#if defined(__x86_64__)
  static constexpr FloatKernels kAvx2 = {Avx2Row, Avx2Rows};
  static constexpr FloatKernels kAvx512 = {Avx512Row, Avx512Rows};
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

float DotProduct(const float* a, const float* b, int dimension) {
  return BestKernels().dot_product(a, b, dimension);
}

void DotProducts(const float* query, const float* rows, int64_t count, int dimension, float* scores) {
  BestKernels().dot_products(query, {rows, dimension, nullptr, count}, dimension, scores);
}

void DotProductsGather(const float* query, const float* rows, absl::Span<const uint32_t> ids, int dimension, float* scores) {
  BestKernels().dot_products(query, {rows, dimension, ids.data(), static_cast<int64_t>(ids.size())}, dimension, scores);
}

}  // namespace semblance::index
