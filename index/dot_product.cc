#include "index/dot_product.h"

#include <cstring>

namespace semblance {
namespace {

constexpr int kLanes = 16;
constexpr int kAccumulators = 4;  // Hides the latency of a multiply-add.
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));

#define SEMBLANCE_INLINE inline __attribute__((always_inline))

SEMBLANCE_INLINE void MultiplyAdd(const float* a, const float* b, Lanes* sum) {
  Lanes x;
  Lanes y;
  std::memcpy(&x, a, sizeof(x));
  std::memcpy(&y, b, sizeof(y));
  *sum += x * y;
}

SEMBLANCE_INLINE float OneProduct(const float* a, const float* b, int dimension) {
  Lanes sums[kAccumulators] = {};
  int i = 0;
  for (; i + kLanes * kAccumulators <= dimension; i += kLanes * kAccumulators) {
    for (int j = 0; j < kAccumulators; ++j) {
      MultiplyAdd(a + i + j * kLanes, b + i + j * kLanes, &sums[j]);
    }
  }
  for (; i + kLanes <= dimension; i += kLanes) {
    MultiplyAdd(a + i, b + i, &sums[0]);
  }
  const Lanes sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float halves[kLanes];
  std::memcpy(halves, &sum, sizeof(halves));
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int j = 0; j < width; ++j) {
      halves[j] += halves[j + width];
    }
  }
  for (; i < dimension; ++i) {
    halves[0] += a[i] * b[i];
  }
  return halves[0];
}

SEMBLANCE_INLINE void AllProducts(const float* query, const float* rows, int64_t count, int dimension, float* scores) {
  for (int64_t row = 0; row < count; ++row) {
    scores[row] = OneProduct(query, rows + row * dimension, dimension);
  }
}

using Kernel = void (*)(const float*, const float*, int64_t, int, float*);

void Portable(const float* query, const float* rows, int64_t count, int dimension, float* scores) {
  AllProducts(query, rows, count, dimension, scores);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void Avx2(const float* query, const float* rows, int64_t count, int dimension, float* scores) {
  AllProducts(query, rows, count, dimension, scores);
}

__attribute__((target("avx512f,fma"))) void Avx512(const float* query, const float* rows, int64_t count, int dimension,
                                                   float* scores) {
  AllProducts(query, rows, count, dimension, scores);
}
#endif

// By a pointer and not by target_clones: the resolvers of those run before the sanitizers are ready.
Kernel ChooseKernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    return Avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return Avx2;
  }
#endif
  return Portable;
}

}  // namespace

void DotProducts(const float* query, const float* rows, int64_t count, int dimension, float* scores) {
  static const Kernel kernel = ChooseKernel();
  kernel(query, rows, count, dimension, scores);
}

}  // namespace semblance
