#include "index/finders/hnsw_walk.h"

#include <algorithm>
#include <functional>

namespace semblance::index {
namespace {

constexpr size_t kCacheLineLinks = 64 / sizeof(uint32_t);

void PrefetchLinks(const HnswLevel& level, uint32_t node) {
  const uint32_t* links = level.links_of(node);
  for (int i = 0; i < level.width; i += kCacheLineLinks) {
    __builtin_prefetch(links + i);
  }
}

}  // namespace

uint32_t HnswWalk::Climb(const HnswLevel& level, const Int8Query& query, uint32_t start) {
  ScoredNode best(Score(level, query, start), start);
  while (true) {
    fresh_.clear();
    const uint32_t* links = level.links_of(best.node());
    for (int i = 0; i < level.width; ++i) {
      const uint32_t link = LoadLink(links + i);
      if (link == kNoLink) {
        break;
      }
      fresh_.push_back(link);
    }
    const absl::Span<const int32_t> scores = Score(level, query, fresh_);
    const int32_t before = best.score();
    for (size_t i = 0; i < fresh_.size(); ++i) {
      if (scores[i] > best.score()) {
        best = ScoredNode(scores[i], fresh_[i]);
      }
    }
    if (best.score() == before) {
      return best.node();
    }
  }
}

inline __attribute__((always_inline)) void HnswWalk::Reach(ScoredNode node, size_t room, const RowFilter* filter) {
  frontier_.push_back(node);
  std::push_heap(frontier_.begin(), frontier_.end());
  if (filter != nullptr && !filter->Passes(node.node())) {
    return;
  }
  if (found_.size() == room) {
    std::pop_heap(found_.begin(), found_.end(), std::greater<>());
    found_.back() = node;
  } else {
    found_.push_back(node);
  }
  std::push_heap(found_.begin(), found_.end(), std::greater<>());
}

absl::Span<ScoredNode> HnswWalk::Explore(const HnswLevel& level, const Int8Query& query, uint32_t start, const HnswEffort& effort) {
  const size_t room = static_cast<size_t>(effort.ef);
  frontier_.clear();
  found_.clear();
  int64_t scored = 0;
  seen_[start / 64] |= uint64_t{1} << (start % 64);
  touched_[touched_count_++] = start / 64;
  Reach(ScoredNode(Score(level, query, start), start), room, effort.filter);
  while (!frontier_.empty() && scored < effort.max_scored) {
    const ScoredNode next = frontier_.front();
    if (found_.size() == room && next.score() < found_.front().score()) {
      break;
    }
    std::pop_heap(frontier_.begin(), frontier_.end());
    frontier_.pop_back();
    if (!frontier_.empty()) {
      PrefetchLinks(level, frontier_.front().node());  // This is most likely the next node.
    }
    const absl::Span<const uint32_t> fresh = CollectFresh(level, next.node());
    const absl::Span<const int32_t> scores = Score(level, query, fresh);
    scored += static_cast<int64_t>(fresh.size());
    for (size_t i = 0; i < fresh.size(); ++i) {
      if (found_.size() < room || scores[i] > found_.front().score()) {
        Reach(ScoredNode(scores[i], fresh[i]), room, effort.filter);
      }
    }
  }
  ended_early_ = scored >= effort.max_scored;
  Forget();
  return absl::MakeSpan(found_);
}

absl::Span<const uint32_t> HnswWalk::CollectFresh(const HnswLevel& level, uint32_t node) {
  fresh_.resize(static_cast<size_t>(level.width));
  // These are local copies, because the compiler would load members again for every link: a store might have changed them.
  const uint32_t* link = level.links_of(node);
  const uint32_t* const links_end = link + level.width;
  const uint8_t* const codes = level.codes;
  const int64_t stride = stride_;
  uint64_t* const seen = seen_.data();
  uint32_t* touched = touched_.data() + touched_count_;
  uint32_t* fresh = fresh_.data();
  for (; link != links_end; ++link) {
    const uint32_t next = LoadLink(link);
    if (next == kNoLink) {
      break;
    }
    const uint64_t word = seen[next / 64];
    const uint64_t with_next = word | uint64_t{1} << (next % 64);
    if (with_next != word) {
      __builtin_prefetch(codes + next * stride);
      *touched = next / 64;
      touched += word == 0 ? 1 : 0;
      seen[next / 64] = with_next;
      *fresh++ = next;
    }
  }
  touched_count_ = static_cast<size_t>(touched - touched_.data());
  return {fresh_.data(), static_cast<size_t>(fresh - fresh_.data())};
}

void HnswWalk::Forget() {
  for (const uint32_t word : absl::MakeConstSpan(touched_).first(touched_count_)) {
    seen_[word] = 0;
  }
  touched_count_ = 0;
}

}  // namespace semblance::index
