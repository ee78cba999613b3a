// The vectors of the kernels, and the body of those whose sums are floats: whatever the rows hold, a Format turns it into floats.
//
// A Format has Value, kBytes (of the vectors) and Load(const Value*, Floats<kBytes>*).
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
  using HalfWords __attribute__((vector_size(Bytes / 2))) = uint16_t;
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

struct DotProductMetric {
  template <typename V>
  static SEMBLANCE_INLINE void Add(const V& x, const V& y, V* sum) {
    *sum += x * y;
  }
};

struct SquaredDistanceMetric {
  template <typename V>
  static SEMBLANCE_INLINE void Add(const V& x, const V& y, V* sum) {
    const V difference = x - y;
    *sum += difference * difference;
  }
};

template <int Bytes>
struct FloatFormat {
  using Value = float;
  static constexpr int kBytes = Bytes;
  static SEMBLANCE_INLINE void Load(const float* values, Floats<kBytes>* vector) { std::memcpy(vector, values, kBytes); }
};

template <typename Metric, typename Format>
SEMBLANCE_INLINE void AddLanes(const float* query, const typename Format::Value* row, Floats<Format::kBytes>* sum) {
  Floats<Format::kBytes> x;
  Floats<Format::kBytes> y;
  FloatFormat<Format::kBytes>::Load(query, &x);
  Format::Load(row, &y);
  Metric::Add(x, y, sum);
}

// The last `rest` of the values, fewer than a vector has.
template <typename Metric, typename Format>
SEMBLANCE_INLINE void AddRest(const float* query, const typename Format::Value* row, int dimension, int rest,
                              Floats<Format::kBytes>* sum) {
  using V = Floats<Format::kBytes>;
  using Mask = Ints<Format::kBytes>;
  constexpr int kLanes = Vector<Format::kBytes>::kLanes;
  if (dimension < kLanes) {
    float x[kLanes] = {};
    typename Format::Value y[kLanes] = {};
    for (int i = 0; i < dimension; ++i) {
      x[i] = ValueAt(query, i);
      y[i] = ValueAt(row, i);
    }
    AddLanes<Metric, Format>(x, y, sum);
    return;
  }
  // The last vector that fits, without the lanes that are summed already.
  static constexpr int32_t kMasks[32] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                         -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
  Mask mask;
  std::memcpy(&mask, kMasks + 16 - kLanes + rest, sizeof(mask));
  V x;
  V y;
  FloatFormat<Format::kBytes>::Load(query + dimension - kLanes, &x);
  Format::Load(row + dimension - kLanes, &y);
  Metric::Add(reinterpret_cast<V>(reinterpret_cast<Mask>(x) & mask), reinterpret_cast<V>(reinterpret_cast<Mask>(y) & mask), sum);
}

template <typename Metric, typename Format>
SEMBLANCE_INLINE float ScoreOf(const float* query, const typename Format::Value* row, int dimension) {
  constexpr int kLanes = Vector<Format::kBytes>::kLanes;
  constexpr int kAccumulators = 4;  // Hides the latency of a multiply-add.
  Floats<Format::kBytes> sums[kAccumulators] = {};
  int i = 0;
  for (; i + kLanes * kAccumulators <= dimension; i += kLanes * kAccumulators) {
    for (int j = 0; j < kAccumulators; ++j) {
      const int begin = i + j * kLanes;
      AddLanes<Metric, Format>(query + begin, row + begin, &sums[j]);
    }
  }
  for (; i + kLanes <= dimension; i += kLanes) {
    AddLanes<Metric, Format>(query + i, row + i, &sums[0]);
  }
  if (i < dimension) {
    AddRest<Metric, Format>(query, row, dimension, dimension - i, &sums[1]);
  }
  const Floats<Format::kBytes> sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return TotalOf<Floats, Format::kBytes>(sum);
}

template <typename Metric, typename Format>
SEMBLANCE_INLINE void ScoreFloats(const float* query, const RowBlock<typename Format::Value>& rows, int dimension, float* scores) {
  const auto score_row = [=](const typename Format::Value* row) __attribute__((always_inline)) {
    return ScoreOf<Metric, Format>(query, row, dimension);
  };
  ScoreRows(rows, dimension, score_row, scores);
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_KERNELS_KERNEL_VECTORS_H_
