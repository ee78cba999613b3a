// The kernels of kernels.h, compiled for each level of processor: for its implementation and its tests.
//
// Thread-safe: the tables are constant and live as long as the process. REQUIRES of each ...KernelsFor: level <= DetectCpuLevel().
// A level for which nothing was compiled (any but the baseline, on other processors than x86-64) gives the baseline's.
#ifndef SEMBLANCE_INDEX_KERNELS_KERNEL_LEVELS_H_
#define SEMBLANCE_INDEX_KERNELS_KERNEL_LEVELS_H_

#include <cstdint>

#include "index/kernels/cpu_level.h"
#include "index/kernels/kernels.h"

namespace semblance::index {

// The rows of one call, in the order of their scores.
template <typename Value>
struct RowBlock {
  const Value* first;
  int64_t stride;       // Values from one row to the next.
  const uint32_t* ids;  // The rows; null: 0, 1, 2 ...
  int64_t count;
};

// Those of rows of floats and of the formats of 16 bits.
template <typename Value>
struct RealKernels {
  using ScoreRow = float (*)(const float* query, const Value* row, int dimension);
  using ScoreRows = void (*)(const float* query, const RowBlock<Value>& rows, int dimension, float* scores);

  ScoreRow dot_product;
  ScoreRow squared_distance;
  ScoreRows dot_products;
  ScoreRows squared_distances;
};

using FloatKernels = RealKernels<float>;

// Of one of the two formats of 16 bits.
struct HalfKernels : RealKernels<uint16_t> {
  void (*from_floats)(const float* values, int64_t count, uint16_t* halves);
  void (*to_floats)(const uint16_t* halves, int64_t count, float* values);
};

struct Int8Kernels {
  using ScoreRow = int32_t (*)(const Int8Query& query, const uint8_t* row);
  using ScoreRows = void (*)(const Int8Query& query, const RowBlock<uint8_t>& rows, int32_t* scores);

  ScoreRow dot_product;
  ScoreRow squared_distance;
  ScoreRows dot_products;
  ScoreRows squared_distances;
};

using Int8BlockKernel = void (*)(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores);

const FloatKernels& FloatKernelsFor(CpuLevel level);
const HalfKernels& Fp16KernelsFor(CpuLevel level);
const HalfKernels& Bf16KernelsFor(CpuLevel level);
const Int8Kernels& Int8KernelsFor(CpuLevel level);
Int8BlockKernel Int8BlockKernelFor(CpuLevel level);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_KERNEL_LEVELS_H_
