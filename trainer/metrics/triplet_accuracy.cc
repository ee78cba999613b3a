#include "trainer/metrics/triplet_accuracy.h"

#include <cstddef>
#include <cstdint>
#include <numeric>

namespace semblance::trainer {

double TripletAccuracy(absl::Span<const float> embeddings, int dimension, absl::Span<const dataset::Triplet> triplets) {
  const auto cosine = [&](int64_t x, int64_t y) {
    const auto size = static_cast<size_t>(dimension);
    const absl::Span<const float> first = embeddings.subspan(static_cast<size_t>(x) * size, size);
    return std::inner_product(first.begin(), first.end(), embeddings.subspan(static_cast<size_t>(y) * size, size).begin(), 0.0);
  };
  int64_t right = 0;
  for (const dataset::Triplet& triplet : triplets) {
    right += cosine(triplet.anchor, triplet.positive) > cosine(triplet.anchor, triplet.negative) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(triplets.size());
}

}  // namespace semblance::trainer
