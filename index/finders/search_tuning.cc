#include "index/finders/search_tuning.h"

#include <algorithm>

#include "index/kernels/kernels.h"
#include "index/rows/top_rows.h"

namespace semblance::index {
namespace {

using Rows = std::vector<uint32_t>;

class Tuning {
 public:
  explicit Tuning(const TuningTask& task) : task_(task), sorted_queries_(task.queries.begin(), task.queries.end()) {
    std::sort(sorted_queries_.begin(), sorted_queries_.end());
    for (const uint32_t query : task.queries) {
      truths_.push_back(Nearest(vector(query)));
      expected_ += static_cast<int64_t>(truths_.back().size());
    }
  }

  double Recall(int effort, absl::FunctionRef<Rows(const float* query, int effort)> search) const {
    int64_t hits = 0;
    for (size_t i = 0; i < truths_.size(); ++i) {
      const float* const query = vector(task_.queries[i]);
      hits += truths_[i].empty() ? 0 : CountHits(query, truths_[i], search(query, effort));
    }
    return expected_ == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(expected_);
  }

 private:
  const float* vector(int64_t row) const { return task_.vectors.data() + row * task_.dimension; }
  bool IsQuery(uint32_t row) const { return std::binary_search(sorted_queries_.begin(), sorted_queries_.end(), row); }

  // Returns the true nearest rows, best first.
  Rows Nearest(const float* query) const {
    constexpr int64_t kBlockRows = 256;
    float scores[kBlockRows];
    TopRows top(kTuningTopK);
    const int64_t rows = static_cast<int64_t>(task_.vectors.size()) / task_.dimension;
    for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
      const int64_t count = std::min(kBlockRows, rows - begin);
      DotProducts(query, vector(begin), count, task_.dimension, scores);
      for (int64_t i = 0; i < count; ++i) {
        if (top.MayKeep(scores[i]) && !IsQuery(static_cast<uint32_t>(begin + i))) {
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

  // Returns how many candidates score at least as high as the last true neighbor.
  int64_t CountHits(const float* query, const Rows& truth, const Rows& candidates) const {
    const auto score = [&](uint32_t row) { return DotProduct(query, vector(row), task_.dimension); };
    const float worst = score(truth.back());
    const int64_t hits =
        std::count_if(candidates.begin(), candidates.end(), [&](uint32_t row) { return score(row) >= worst && !IsQuery(row); });
    return std::min(hits, static_cast<int64_t>(truth.size()));
  }

  const TuningTask& task_;
  Rows sorted_queries_;
  std::vector<Rows> truths_;
  int64_t expected_ = 0;
};

}  // namespace

TunedEffort TuneEffort(const TuningTask& task, absl::FunctionRef<std::vector<uint32_t>(const float* query, int effort)> search) {
  const Tuning tuning(task);
  TunedEffort tuned;
  for (const int effort : task.efforts) {
    tuned = {effort, tuning.Recall(effort, search)};
    if (tuned.recall >= task.target_recall) {
      break;
    }
  }
  return tuned;
}

}  // namespace semblance::index
