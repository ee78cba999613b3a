#include "trainer/retrieval_metrics.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "index/exact_search.h"

namespace semblance {
namespace {

// The rank (from 1) of the first neighbour with the query's label, the query itself not counted; a huge number without one.
int FirstHit(absl::Span<const int64_t> neighbors, int64_t query, absl::Span<const int64_t> labels) {
  int rank = 0;
  for (const int64_t neighbor : neighbors) {
    if (neighbor < 0 || neighbor == query) {
      continue;
    }
    ++rank;
    if (labels[static_cast<size_t>(neighbor)] == labels[static_cast<size_t>(query)]) {
      return rank;
    }
  }
  return std::numeric_limits<int>::max();
}

}  // namespace

absl::StatusOr<std::vector<double>> RecallAtK(absl::Span<const float> embeddings, int dimension, absl::Span<const int64_t> labels,
                                              absl::Span<const int> ks) {
  if (labels.size() < 2 || embeddings.size() != labels.size() * static_cast<size_t>(dimension)) {
    return absl::InvalidArgumentError(absl::StrCat("recall needs at least 2 examples and ", dimension, " values for each; got ",
                                                   labels.size(), " labels and ", embeddings.size(), " values"));
  }
  if (ks.empty() || *std::min_element(ks.begin(), ks.end()) < 1) {
    return absl::InvalidArgumentError("recall at K needs K >= 1");
  }
  // One more, for the query itself.
  const int neighbors_per_query = *std::max_element(ks.begin(), ks.end()) + 1;
  SEMBLANCE_ASSIGN_OR_RETURN(const ExactNeighbors found, ExactSearch(embeddings, embeddings, dimension, neighbors_per_query));

  std::vector<int64_t> hits(ks.size(), 0);
  for (size_t query = 0; query < labels.size(); ++query) {
    const auto row = absl::MakeConstSpan(found.indices).subspan(query * static_cast<size_t>(found.k), static_cast<size_t>(found.k));
    const int rank = FirstHit(row, static_cast<int64_t>(query), labels);
    for (size_t i = 0; i < ks.size(); ++i) {
      hits[i] += rank <= ks[i] ? 1 : 0;
    }
  }
  std::vector<double> recalls;
  recalls.reserve(ks.size());
  for (const int64_t hit : hits) {
    recalls.push_back(static_cast<double>(hit) / static_cast<double>(labels.size()));
  }
  return recalls;
}

}  // namespace semblance
