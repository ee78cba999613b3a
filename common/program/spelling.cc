#include "common/program/spelling.h"

#include <algorithm>
#include <vector>

namespace semblance {

size_t EditDistance(absl::string_view a, absl::string_view b) {
  // distance[i][j] is the distance between the first i characters of a and the first j of b.
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        distance[i][j] = i + j;
        continue;
      }
      distance[i][j] =
          std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1, distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
      }
    }
  }
  return distance[a.size()][b.size()];
}

std::optional<std::string> ClosestSpelling(absl::string_view word, absl::Span<const std::string> candidates) {
  std::optional<std::string> closest;
  size_t limit = std::max<size_t>(word.size() / 3, 1);
  for (const std::string& candidate : candidates) {
    // A candidate that is much longer is not compared, so that a long argument costs little.
    const size_t longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) > limit) {
      continue;
    }
    const size_t distance = EditDistance(word, candidate);
    if (distance <= limit && distance < longer) {
      closest = candidate;
      if (distance == 0) {
        break;
      }
      limit = distance - 1;
    }
  }
  return closest;
}

}  // namespace semblance
