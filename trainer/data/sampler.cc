#include "trainer/data/sampler.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <queue>
#include <tuple>
#include <utility>

#include "trainer/data/random.h"

namespace semblance::trainer {
namespace {

std::vector<int64_t> Ascending(int64_t count) {
  std::vector<int64_t> positions(static_cast<size_t>(count));
  std::iota(positions.begin(), positions.end(), 0);
  return positions;
}

PositionBatches SplitEvenly(const std::vector<int64_t>& positions, int batch_size) {
  const auto count = static_cast<int64_t>(positions.size());
  const int64_t batch_count = (count + batch_size - 1) / batch_size;
  PositionBatches batches;
  batches.reserve(static_cast<size_t>(batch_count));
  for (int64_t i = 0; i < batch_count; ++i) {
    batches.emplace_back(positions.begin() + i * count / batch_count, positions.begin() + (i + 1) * count / batch_count);
  }
  return batches;
}

template <typename Value>
void Shuffle(std::vector<Value>* values, Random* random) {
  for (size_t i = values->size(); i > 1; --i) {  // Fisher-Yates, because std::shuffle differs between standard libraries.
    std::swap((*values)[i - 1], (*values)[random->Below(i)]);
  }
}

// Divides the positions of one class into groups, as a deck of cards is dealt.
class ClassDeck {
 public:
  explicit ClassDeck(std::vector<int64_t> positions) : positions_(std::move(positions)), next_(positions_.size()) {}

  // The number of groups until every position has been dealt once.
  int64_t GroupsFor(int group_size) const { return (static_cast<int64_t>(positions_.size()) + group_size - 1) / group_size; }

  // Appends the next `count` positions. When the deck is used up it is shuffled again, with the positions of this group at its end.
  void Deal(int count, Random* random, std::vector<int64_t>* batch) {
    size_t dealt = 0;  // In this group, since the deck was shuffled.
    for (int i = 0; i < count; ++i) {
      if (next_ == positions_.size()) {
        ShuffleAllButLast(dealt, random);
        dealt = 0;
      }
      batch->push_back(positions_[next_++]);
      ++dealt;
    }
  }

 private:
  // Shuffles the deck. The last `kept` positions, which were dealt last, stay at the end.
  void ShuffleAllButLast(size_t kept, Random* random) {
    std::vector<int64_t> recent(positions_.end() - static_cast<std::ptrdiff_t>(kept), positions_.end());
    positions_.resize(positions_.size() - kept);
    Shuffle(&positions_, random);
    Shuffle(&recent, random);
    positions_.insert(positions_.end(), recent.begin(), recent.end());
    next_ = 0;
  }

  std::vector<int64_t> positions_;
  size_t next_;
};

// A deck for each class, in the order of the classes' numbers.
std::vector<ClassDeck> DecksOf(absl::Span<const int64_t> labels) {
  std::map<int64_t, std::vector<int64_t>> positions;
  for (size_t i = 0; i < labels.size(); ++i) {
    positions[labels[i]].push_back(static_cast<int64_t>(i));
  }
  std::vector<ClassDeck> decks;
  decks.reserve(positions.size());
  for (auto& [label, of_class] : positions) {
    decks.emplace_back(std::move(of_class));
  }
  return decks;
}

// Chooses the classes of each batch: always those with the most groups left, and at random among equals. This greedy choice needs
// the smallest possible number of batches.
std::vector<std::vector<size_t>> PlanClasses(std::vector<int64_t> groups_left, size_t classes_per_batch, Random* random) {
  struct Turn {
    int64_t groups_left;
    uint64_t tie_break;
    size_t deck;
    bool operator<(const Turn& other) const {
      return std::tie(groups_left, tie_break, deck) < std::tie(other.groups_left, other.tie_break, other.deck);
    }
  };
  std::priority_queue<Turn> turns;
  for (size_t deck = 0; deck < groups_left.size(); ++deck) {
    turns.push(Turn{groups_left[deck], random->Next(), deck});
  }
  std::vector<std::vector<size_t>> plan;
  while (!turns.empty() && turns.top().groups_left > 0) {
    std::vector<Turn> chosen;
    for (size_t i = 0; i < classes_per_batch; ++i) {
      chosen.push_back(turns.top());
      turns.pop();
    }
    plan.emplace_back();
    for (const Turn& turn : chosen) {
      plan.back().push_back(turn.deck);
      turns.push(Turn{turn.groups_left - 1, random->Next(), turn.deck});
    }
  }
  return plan;
}

}  // namespace

PositionBatches ShuffledBatches(int64_t count, int batch_size, uint64_t seed, int epoch) {
  std::vector<int64_t> positions = Ascending(count);
  Random random(seed, static_cast<uint64_t>(epoch), /*index=*/0);
  Shuffle(&positions, &random);
  return SplitEvenly(positions, batch_size);
}

PositionBatches SampleBatches(int64_t count, int64_t most, uint64_t seed) {
  constexpr int kBatchSize = 256;
  constexpr int kNoEpoch = 0;  // Epochs are numbered from 1.
  PositionBatches batches = ShuffledBatches(count, kBatchSize, seed, kNoEpoch);
  batches.resize(std::min(batches.size(), static_cast<size_t>(most / kBatchSize)));
  return batches;
}

PositionBatches SequentialBatches(int64_t count, int batch_size) {
  return SplitEvenly(Ascending(count), batch_size);
}

PositionBatches BalancedBatches(absl::Span<const int64_t> labels, const BatchShape& shape, uint64_t seed, int epoch) {
  Random random(seed, static_cast<uint64_t>(epoch), /*index=*/0);
  std::vector<ClassDeck> decks = DecksOf(labels);
  std::vector<int64_t> groups;
  groups.reserve(decks.size());
  for (const ClassDeck& deck : decks) {
    groups.push_back(deck.GroupsFor(shape.samples_per_class));
  }
  const size_t classes_per_batch = std::min(decks.size(), static_cast<size_t>(shape.classes));
  PositionBatches batches;
  for (const std::vector<size_t>& classes : PlanClasses(std::move(groups), classes_per_batch, &random)) {
    batches.emplace_back();
    for (const size_t deck : classes) {
      decks[deck].Deal(shape.samples_per_class, &random, &batches.back());
    }
  }
  // The plan begins with the large classes.
  Shuffle(&batches, &random);
  return batches;
}

PositionBatches RankShare(const PositionBatches& batches, int rank, int world_size) {
  PositionBatches parts;
  parts.reserve(batches.size());
  for (const std::vector<int64_t>& batch : batches) {
    const auto count = static_cast<int64_t>(batch.size());
    parts.emplace_back(batch.begin() + rank * count / world_size, batch.begin() + (rank + 1) * count / world_size);
  }
  return parts;
}

}  // namespace semblance::trainer
