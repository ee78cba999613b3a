#include "index/search_tuning.h"

#include <algorithm>

#include "index/kernels.h"
#include "index/top_rows.h"

namespace semblance {
namespace {

using Rows = std::vector<uint32_t>;

// The true nearest rows, best first, without those that are queries.
Rows Nearest(const float* vectors, int64_t rows, int dimension, const float* query, const Rows& sorted_queries) {
  constexpr int64_t kBlockRows = 256;
  float scores[kBlockRows];
  TopRows top(kTuningTopK);
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const int64_t count = std::min(kBlockRows, rows - begin);
    DotProducts(query, vectors + begin * dimension, count, dimension, scores);
    for (int64_t i = 0; i < count; ++i) {
      if (top.MayKeep(scores[i]) &&
          !std::binary_search(sorted_queries.begin(), sorted_queries.end(), static_cast<uint32_t>(begin + i))) {
        top.Offer(static_cast<uint64_t>(begin + i), scores[i]);
      }
    }
  }
  Rows nearest;
  for (const ScoredKey& one : top.Take()) {
    nearest.push_back(static_cast<uint32_t>(one.key));
  }
  return nearest;
}

// The best of `candidates` at full precision that score no worse than the worst of `truth`: equals count.
int64_t CountHits(const float* vectors, int dimension, const float* query, const Rows& truth, const Rows& candidates,
                  const Rows& sorted_queries) {
  const auto score = [&](uint32_t row) { return DotProduct(query, vectors + int64_t{row} * dimension, dimension); };
  const float worst = score(truth.back());
  const int64_t hits = std::count_if(candidates.begin(), candidates.end(), [&](uint32_t row) {
    return score(row) >= worst && !std::binary_search(sorted_queries.begin(), sorted_queries.end(), row);
  });
  return std::min(hits, static_cast<int64_t>(truth.size()));
}

}  // namespace

TunedEffort TuneEffort(const float* vectors, int64_t rows, int dimension, absl::Span<const uint32_t> queries,
                       absl::Span<const int> efforts, double target_recall,
                       absl::FunctionRef<std::vector<uint32_t>(const float* query, int effort)> search) {
  const auto vector = [&](uint32_t row) { return vectors + int64_t{row} * dimension; };
  Rows sorted_queries(queries.begin(), queries.end());
  std::sort(sorted_queries.begin(), sorted_queries.end());
  std::vector<Rows> truths;
  int64_t expected = 0;
  for (const uint32_t query : queries) {
    truths.push_back(Nearest(vectors, rows, dimension, vector(query), sorted_queries));
    expected += static_cast<int64_t>(truths.back().size());
  }
  TunedEffort tuned;
  for (const int effort : efforts) {
    int64_t hits = 0;
    for (size_t i = 0; i < queries.size(); ++i) {
      const float* const query = vector(queries[i]);
      hits += truths[i].empty() ? 0 : CountHits(vectors, dimension, query, truths[i], search(query, effort), sorted_queries);
    }
    tuned = {effort, expected == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(expected)};
    if (tuned.recall >= target_recall) {
      break;
    }
  }
  return tuned;
}

}  // namespace semblance
