#include "trainer/metrics/clustering_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "index/kmeans.h"

namespace semblance::trainer {
namespace {

// Measured in nats. The maps are ordered, so that sums are the same on every run.
template <typename Key>
double Entropy(const std::map<Key, int64_t>& counts, double total) {
  double entropy = 0;
  for (const auto& [key, count] : counts) {
    const double share = static_cast<double>(count) / total;
    entropy -= share * std::log(share);
  }
  return entropy;
}

}  // namespace

double NormalizedMutualInformation(absl::Span<const int64_t> a, absl::Span<const int64_t> b) {
  std::map<int64_t, int64_t> of_a;
  std::map<int64_t, int64_t> of_b;
  std::map<std::pair<int64_t, int64_t>, int64_t> of_both;
  for (size_t i = 0; i < a.size(); ++i) {
    ++of_a[a[i]];
    ++of_b[b[i]];
    ++of_both[{a[i], b[i]}];
  }
  if (of_a.size() == 1 && of_b.size() == 1) {
    return 1;
  }
  const auto total = static_cast<double>(a.size());
  const double entropies = Entropy(of_a, total) + Entropy(of_b, total);
  const double information = entropies - Entropy(of_both, total);
  return std::clamp(2 * information / entropies, 0.0, 1.0);  // Rounding may exceed either end.
}

absl::StatusOr<double> ClusteringNmi(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels,
                                     int seed) {
  if (labels.empty() || dimension < 1 || embeddings.size() != labels.size() * static_cast<size_t>(dimension)) {
    return absl::InvalidArgumentError(absl::StrCat("NMI needs examples and ", dimension, " values for each; got ", labels.size(),
                                                   " labels and ", embeddings.size(), " values"));
  }
  index::KMeansOptions options;
  options.clusters = static_cast<int>(std::set<int64_t>(labels.begin(), labels.end()).size());
  options.seed = seed;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<int64_t> clusters, index::KMeansClusters(embeddings, dimension, options));
  return NormalizedMutualInformation(labels, clusters);
}

}  // namespace semblance::trainer
