// The value below which a share of the values lies.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_COMMON_QUANTILE_H_
#define SEMBLANCE_COMMON_QUANTILE_H_

#include <algorithm>
#include <cstddef>
#include <vector>

namespace semblance {

// `share` from 0 (the least) to 1 (the greatest), by nearest rank; 0 without values.
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
