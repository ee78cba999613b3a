// Keeps the best k rows that were offered, in a bounded heap. Rows are ordered by descending score; equal scores by ascending key.
//
// Not thread-safe. Memory grows with the number of offered rows up to k, so a large k costs nothing by itself.
#ifndef SEMBLANCE_INDEX_ROWS_TOP_ROWS_H_
#define SEMBLANCE_INDEX_ROWS_TOP_ROWS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "index/vector_index.h"

namespace semblance::index {

class TopRows {
 public:
  // REQUIRES: k >= 1.
  explicit TopRows(int k) : k_(static_cast<size_t>(k)) {}

  // Returns false for a score that Offer would not keep with any key. NaN is such a score.
  bool MayKeep(float score) const { return rows_.size() < k_ ? !std::isnan(score) : score >= rows_.front().score; }

  // Returns the score that a row must reach to be kept.
  float worst_score() const { return rows_.size() < k_ ? -std::numeric_limits<float>::infinity() : rows_.front().score; }

  // Offers a row. REQUIRES: MayKeep(score); a key is offered once.
  void Offer(uint64_t key, float score) {
    const ScoredKey row = {key, score};
    if (rows_.size() == k_) {
      if (!Better(row, rows_.front())) {
        return;
      }
      std::pop_heap(rows_.begin(), rows_.end(), Better);
      rows_.pop_back();
    }
    rows_.push_back(row);
    std::push_heap(rows_.begin(), rows_.end(), Better);
  }

  // Returns the rows, the best first, and leaves this object empty.
  std::vector<ScoredKey> Take() {
    std::sort_heap(rows_.begin(), rows_.end(), Better);
    return std::exchange(rows_, {});
  }

 private:
  static bool Better(const ScoredKey& a, const ScoredKey& b) { return a.score != b.score ? a.score > b.score : a.key < b.key; }

  const size_t k_;
  std::vector<ScoredKey> rows_;  // A heap with the worst row in front.
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_ROWS_TOP_ROWS_H_
