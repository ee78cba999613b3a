// Computes quantiles of measurements.
//
// Thread-safe, because the function has no state.
#ifndef SEMBLANCE_COMMON_QUANTILE_H_
#define SEMBLANCE_COMMON_QUANTILE_H_

#include <algorithm>
#include <cstddef>
#include <vector>

namespace semblance {

// Returns the value below which the given share of the values lies: 0 gives the least, 1 the greatest. Returns 0 without values.
inline double Quantile(std::vector<double> values, double share) {
  if (values.empty()) {
    return 0;
  }
  const auto rank = std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank), values.end());
  return values[rank];
}

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_QUANTILE_H_
