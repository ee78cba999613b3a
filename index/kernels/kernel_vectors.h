// Vector types for the kernels, and the kernel for rows of floats. `Bytes` is the size of a vector.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_INDEX_KERNELS_KERNEL_VECTORS_H_
#define SEMBLANCE_INDEX_KERNELS_KERNEL_VECTORS_H_

#include <cstdint>
#include <cstring>

#include "index/kernels/kernel_rows.h"

namespace semblance::index {

template <int Bytes>
struct Vector {
  using Floats __attribute__((vector_size(Bytes))) = float;
  using Ints __attribute__((vector_size(Bytes))) = int32_t;
  using Words __attribute__((vector_size(Bytes))) = uint32_t;
  static constexpr int kLanes = Bytes / sizeof(float);
};

template <int Bytes>
using Floats = typename Vector<Bytes>::Floats;

template <int Bytes>
using Ints = typename Vector<Bytes>::Ints;

// The sum of the lanes of Floats or Ints.
template <template <int> typename Lanes, int Bytes>
SEMBLANCE_INLINE auto TotalOf(const Lanes<Bytes>& vector) {
  if constexpr (Bytes == 16) {
    const Lanes<Bytes> pairs = vector + __builtin_shufflevector(vector, vector, 2, 3, 0, 1);
    return pairs[0] + pairs[1];
  } else {
    Lanes<Bytes / 2> halves[2];
    std::memcpy(halves, &vector, Bytes);
    const Lanes<Bytes / 2> sum = halves[0] + halves[1];
    return TotalOf<Lanes, Bytes / 2>(sum);
  }
}

template <int Bytes>
SEMBLANCE_INLINE void AddLanes(const float* query, const float* row, Floats<Bytes>* sum) {
  Floats<Bytes> x;
  Floats<Bytes> y;
  std::memcpy(&x, query, Bytes);
  std::memcpy(&y, row, Bytes);
  *sum += x * y;
}

// Adds the products of the last `rest` values, which are fewer than a vector has.
template <int Bytes>
SEMBLANCE_INLINE void AddRest(const float* query, const float* row, int dimension, int rest, Floats<Bytes>* sum) {
  using V = Floats<Bytes>;
  using Mask = Ints<Bytes>;
  constexpr int kLanes = Vector<Bytes>::kLanes;
  if (dimension < kLanes) {
    float x[kLanes] = {};
    float y[kLanes] = {};
    for (int i = 0; i < dimension; ++i) {
      x[i] = ValueAt(query, i);
      y[i] = ValueAt(row, i);
    }
    AddLanes<Bytes>(x, y, sum);
    return;
  }
  // Reads the last whole vector, and masks the lanes that are summed already.
  static constexpr int32_t kMasks[32] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                         -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
  Mask mask;
  std::memcpy(&mask, kMasks + 16 - kLanes + rest, sizeof(mask));
  V x;
  V y;
  std::memcpy(&x, query + dimension - kLanes, Bytes);
  std::memcpy(&y, row + dimension - kLanes, Bytes);
  *sum += reinterpret_cast<V>(reinterpret_cast<Mask>(x) & mask) * reinterpret_cast<V>(reinterpret_cast<Mask>(y) & mask);
}

// The inner product of a query and a row.
template <int Bytes>
SEMBLANCE_INLINE float ScoreOf(const float* query, const float* row, int dimension) {
  constexpr int kLanes = Vector<Bytes>::kLanes;
  constexpr int kAccumulators = 4;  // Several sums hide the latency of a multiply-add.
  Floats<Bytes> sums[kAccumulators] = {};
  int i = 0;
  for (; i + kLanes * kAccumulators <= dimension; i += kLanes * kAccumulators) {
    for (int j = 0; j < kAccumulators; ++j) {
      const int begin = i + j * kLanes;
      AddLanes<Bytes>(query + begin, row + begin, &sums[j]);
    }
  }
  for (; i + kLanes <= dimension; i += kLanes) {
    AddLanes<Bytes>(query + i, row + i, &sums[0]);
  }
  if (i < dimension) {
    AddRest<Bytes>(query, row, dimension, dimension - i, &sums[1]);
  }
  const Floats<Bytes> sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return TotalOf<Floats, Bytes>(sum);
}

template <int Bytes>
SEMBLANCE_INLINE void ScoreFloats(const float* query, const RowBlock<float>& rows, int dimension, float* scores) {
  const auto score_row = [=](const float* row) __attribute__((always_inline)) {
    return ScoreOf<Bytes>(query, row, dimension);
  };
  ScoreRows(rows, dimension, score_row, scores);
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_KERNEL_VECTORS_H_
