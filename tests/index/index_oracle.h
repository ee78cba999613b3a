// Computes the correct answer of an index at any sequence, with a std::map and a loop.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_INDEX_INDEX_ORACLE_H_
#define SEMBLANCE_TESTS_INDEX_INDEX_ORACLE_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "index/kernels/kernels.h"
#include "index/vector_index.h"

namespace semblance::index {

inline bool operator==(const ScoredKey& a, const ScoredKey& b) {
  return a.key == b.key && a.score == b.score;
}

inline void PrintTo(const ScoredKey& row, std::ostream* out) {
  *out << row.key << ":" << row.score;
}

class IndexOracle {
 public:
  void Apply(absl::Span<const IndexAdd> adds, absl::Span<const IndexDelete> deletes) {
    for (const IndexAdd& add : adds) {
      rows_[add.key].vector.assign(add.vector.begin(), add.vector.end());
    }
    for (const IndexDelete& one : deletes) {
      const auto row = rows_.find(one.key);
      if (row != rows_.end()) {
        row->second.deleted_at = std::min(row->second.deleted_at, one.at);
      }
    }
  }

  std::vector<ScoredKey> Search(absl::Span<const float> query, int top_k, uint64_t sequence) const {
    std::vector<ScoredKey> found;
    for (const auto& [key, row] : rows_) {
      if (key <= sequence && sequence < row.deleted_at) {
        found.push_back({key, DotProduct(query.data(), row.vector.data(), static_cast<int>(query.size()))});
      }
    }
    std::sort(found.begin(), found.end(),
              [](const ScoredKey& a, const ScoredKey& b) { return std::pair(-a.score, a.key) < std::pair(-b.score, b.key); });
    found.resize(std::min<size_t>(found.size(), top_k));
    return found;
  }

  std::vector<uint64_t> LiveKeys() const {
    std::vector<uint64_t> keys;
    for (const auto& [key, row] : rows_) {
      if (row.deleted_at == kAlive) {
        keys.push_back(key);
      }
    }
    return keys;
  }

  // Returns the vector of a key. REQUIRES: the key was added.
  const std::vector<float>& Vector(uint64_t key) const { return rows_.at(key).vector; }

 private:
  static constexpr uint64_t kAlive = std::numeric_limits<uint64_t>::max();

  struct Row {
    std::vector<float> vector;
    uint64_t deleted_at = kAlive;
  };

  std::map<uint64_t, Row> rows_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_TESTS_INDEX_INDEX_ORACLE_H_
