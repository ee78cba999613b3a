// Tells a vector of unit length from what a network returns when its numbers overflow.
#ifndef SEMBLANCE_EMBEDDER_UNIT_LENGTH_H_
#define SEMBLANCE_EMBEDDER_UNIT_LENGTH_H_

#include <cmath>

#include "absl/types/span.h"

namespace semblance::embedder {

// Returns true if the vector has length 1, up to rounding in the network. NaN, infinity and the zero vector differ by far more.
inline bool HasUnitLength(absl::Span<const float> vector) {
  constexpr double kTolerance = 1e-3;
  double sum = 0;
  for (const float value : vector) {
    sum += double{value} * value;
  }
  return std::abs(sum - 1) <= kTolerance;  // NaN is not within any tolerance.
}

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_UNIT_LENGTH_H_
