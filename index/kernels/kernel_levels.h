// The kernels of kernels.h, compiled for each level of processor. Only the implementation of kernels.h and its tests use this
// header.
//
// Thread-safe: the tables are constant and live as long as the process. REQUIRES for each ...For function: level <=
// DetectCpuLevel(). Processors other than x86-64 have the baseline only; there, every level returns the baseline's kernels.
#ifndef SEMBLANCE_INDEX_KERNELS_KERNEL_LEVELS_H_
#define SEMBLANCE_INDEX_KERNELS_KERNEL_LEVELS_H_

#include <cstdint>

#include "index/kernels/cpu_level.h"
#include "index/kernels/kernels.h"

namespace semblance::index {

// The rows that one call scores, in the order of the scores.
template <typename Value>
struct RowBlock {
  const Value* first;
  int64_t stride;       // Values from one row to the next.
  const uint32_t* ids;  // The numbers of the rows; null means 0, 1, 2 ...
  int64_t count;
};

struct FloatKernels {
  using ScoreRow = float (*)(const float* query, const float* row, int dimension);
  using ScoreRows = void (*)(const float* query, const RowBlock<float>& rows, int dimension, float* scores);

  ScoreRow dot_product;
  ScoreRows dot_products;
};

struct Int8Kernels {
  using ScoreRow = int32_t (*)(const Int8Query& query, const uint8_t* row);
  using ScoreRows = void (*)(const Int8Query& query, const RowBlock<uint8_t>& rows, int32_t* scores);

  ScoreRow dot_product;
  ScoreRows dot_products;
};

using Int8BlockKernel = void (*)(const Int8Query& query, const uint8_t* blocks, int64_t count, int32_t* scores);

const FloatKernels& FloatKernelsFor(CpuLevel level);
const Int8Kernels& Int8KernelsFor(CpuLevel level);
Int8BlockKernel Int8BlockKernelFor(CpuLevel level);

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_KERNEL_LEVELS_H_
