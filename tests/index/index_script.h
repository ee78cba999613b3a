// A random, repeatable script of steps for an index: adds, deletes and updates.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_INDEX_INDEX_SCRIPT_H_
#define SEMBLANCE_TESTS_INDEX_INDEX_SCRIPT_H_

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "index/vector_index.h"
#include "tests/index/random_vectors.h"

namespace semblance::index {

// The arguments of one Apply. The script owns the vectors.
struct IndexStep {
  std::vector<IndexAdd> adds;
  std::vector<IndexDelete> deletes;
  uint64_t sequence = 0;
};

class IndexScript {
 public:
  IndexScript(int dimension, int clusters, unsigned seed) : random_(dimension, clusters, seed) {}

  // Makes up to `max_changes` changes, each with its own sequence. Half of them add a row, a third replaces one, the rest deletes
  // one.
  IndexStep Next(int max_changes) {
    IndexStep step;
    for (int changes = 1 + random_.Below(max_changes); changes > 0; --changes) {
      ++sequence_;
      const int kind = random_.Below(6);
      if (kind >= 3 && !live_.empty()) {
        step.deletes.push_back({TakeLive(), sequence_});
      }
      if (kind < 5) {
        vectors_.push_back(random_.Next());
        step.adds.push_back({sequence_, vectors_.back()});
        live_.push_back(sequence_);
      }
    }
    step.sequence = sequence_;
    return step;
  }

  std::vector<float> Query() { return random_.Next(); }
  int Below(int limit) { return random_.Below(limit); }

 private:
  uint64_t TakeLive() {
    std::swap(live_[random_.Below(static_cast<int>(live_.size()))], live_.back());
    const uint64_t key = live_.back();
    live_.pop_back();
    return key;
  }

  RandomVectors random_;
  uint64_t sequence_ = 0;
  std::vector<uint64_t> live_;
  std::deque<std::vector<float>> vectors_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_TESTS_INDEX_INDEX_SCRIPT_H_
