#include "index/finders/hnsw_builder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>

#include "common/threads/parallel_for.h"
#include "index/finders/hnsw_walk.h"

namespace semblance::index {
namespace {

constexpr int kMaxLevel = 16;

// Returns a random level for every row, where P(level >= l) = m^-l.
std::vector<uint8_t> DrawLevels(size_t rows, int m, std::mt19937_64* random) {
  std::exponential_distribution<double> exponential(std::log(m));
  std::vector<uint8_t> levels(rows);
  for (uint8_t& level : levels) {
    level = static_cast<uint8_t>(std::min<double>(exponential(*random), kMaxLevel));
  }
  return levels;
}

class NodeLock {
 public:
  explicit NodeLock(std::atomic<bool>* lock) : lock_(lock) {
    while (lock_->exchange(true, std::memory_order_acquire)) {
      std::this_thread::yield();
    }
  }
  ~NodeLock() { lock_->store(false, std::memory_order_release); }
  NodeLock(const NodeLock&) = delete;
  NodeLock& operator=(const NodeLock&) = delete;

 private:
  std::atomic<bool>* const lock_;
};

}  // namespace

// Inserts rows on behalf of one thread.
class HnswBuilder::Inserter {
 public:
  explicit Inserter(HnswBuilder* builder)
      : codes_(builder->codes_), options_(builder->options_), builder_(*builder), walk_(builder->codes_.rows(), builder->codes_) {}

  void Insert(size_t position) {
    const uint32_t row = builder_.order_[position];
    codes_.RowAsQuery(codes_.row(row), &row_query_);
    const Int8Query query(row_query_);
    uint32_t start = 0;
    for (int level = builder_.levels_.top(); level > 0; --level) {
      if (position < builder_.graph_.level_nodes[level - 1]) {
        start = LinkNode(level, query, static_cast<uint32_t>(position), start);
      } else {
        start = walk_.Climb(builder_.levels_.level(level), query, start);
      }
    }
    LinkNode(0, query, row, builder_.levels_.top() > 0 ? builder_.order_[start] : builder_.graph_.entry_row);
  }

 private:
  // Links a new node of a level and its neighbors in both directions. Returns the nearest neighbor.
  uint32_t LinkNode(int level_number, const Int8Query& query, uint32_t node, uint32_t start) {
    const HnswLevel& level = builder_.levels_.level(level_number);
    const absl::Span<ScoredNode> found = walk_.Explore(level, query, start, {.ef = options_.ef_construction});
    candidates_.assign(found.begin(), found.end());
    std::sort(candidates_.begin(), candidates_.end(), std::greater<>());
    const uint32_t nearest = candidates_.front().node();
    SelectDiverse(level, options_.m);
    const std::vector<ScoredNode> chosen = selected_;
    {
      const NodeLock lock(LockOf(level_number, node));
      WriteLinks(level, node);
    }
    for (const ScoredNode& neighbor : chosen) {
      AddLink(level_number, neighbor.node(), ScoredNode(neighbor.score(), node));
    }
    return nearest;
  }

  // Algorithm 4: copies to selected_ those of candidates_ (best first) that are nearer to the node than to every node selected
  // before.
  void SelectDiverse(const HnswLevel& level, int count) {
    selected_.clear();
    for (const ScoredNode& candidate : candidates_) {
      if (selected_.size() == static_cast<size_t>(count)) {
        return;
      }
      if (IsDiverse(level, candidate)) {
        selected_.push_back(candidate);
      }
    }
  }

  bool IsDiverse(const HnswLevel& level, ScoredNode candidate) {
    if (selected_.empty()) {
      return true;
    }
    codes_.RowAsQuery(level.codes + static_cast<size_t>(candidate.node()) * codes_.stride(), &other_query_);
    const Int8Query query(other_query_);
    return std::none_of(selected_.begin(), selected_.end(),
                        [&](ScoredNode one) { return walk_.Score(level, query, one.node()) > candidate.score(); });
  }

  // Adds a link to `node`. When its list is full, keeps the most diverse links.
  void AddLink(int level_number, uint32_t node, ScoredNode added) {
    const HnswLevel& level = builder_.levels_.level(level_number);
    const NodeLock lock(LockOf(level_number, node));
    uint32_t* const links = level.links_of(node);
    int count = 0;
    while (count < level.width && LoadLink(links + count) != kNoLink) {
      ++count;
    }
    if (count < level.width) {
      return StoreLink(added.node(), links + count);
    }
    codes_.RowAsQuery(level.codes + static_cast<size_t>(node) * codes_.stride(), &other_query_);
    const absl::Span<const int32_t> scores = walk_.Score(level, Int8Query(other_query_), {links, static_cast<size_t>(count)});
    candidates_.assign(1, added);
    for (int i = 0; i < count; ++i) {
      candidates_.emplace_back(scores[i], links[i]);
    }
    std::sort(candidates_.begin(), candidates_.end(), std::greater<>());
    SelectDiverse(level, level.width);
    WriteLinks(level, node);
  }

  // Makes selected_ the links of `node`.
  void WriteLinks(const HnswLevel& level, uint32_t node) {
    uint32_t* const links = level.links_of(node);
    for (int i = 0; i < level.width; ++i) {
      StoreLink(static_cast<size_t>(i) < selected_.size() ? selected_[i].node() : kNoLink, links + i);
    }
  }

  std::atomic<bool>* LockOf(int level, uint32_t node) { return &builder_.locks_[level][node]; }

  const RowCodes& codes_;
  const HnswBuildOptions options_;
  HnswBuilder& builder_;
  HnswWalk walk_;
  std::vector<int8_t> row_query_;
  std::vector<int8_t> other_query_;
  std::vector<ScoredNode> candidates_;
  std::vector<ScoredNode> selected_;
};

HnswBuilder::HnswBuilder(const RowCodes* codes, const HnswBuildOptions& options, int64_t late_rows)
    : codes_(*codes), options_(options) {
  OrderRows(0, kMaxLevel, late_rows);
  first_position_ = 1;  // One row is a graph already.
  graph_.m = options.m;
  graph_.entry_row = order_.front();
  graph_.ground = BigArray<uint32_t>(static_cast<size_t>(codes_.rows()) * 2 * options.m);
  std::fill_n(graph_.ground.data(), graph_.ground.size(), kNoLink);
  graph_.upper_links.assign(std::accumulate(graph_.level_nodes.begin(), graph_.level_nodes.end(), size_t{0}) * options.m, kNoLink);
  PrepareInsertion();
}

HnswBuilder::HnswBuilder(const RowCodes* codes, const HnswBuildOptions& options, const HnswGraph& base, int64_t late_rows)
    : codes_(*codes), options_(options), order_(base.upper_rows), first_position_(base.upper_rows.size()) {
  graph_.m = base.m;
  graph_.entry_row = base.entry_row;
  graph_.level_nodes = base.level_nodes;
  OrderRows(static_cast<size_t>(base.rows()), base.level_nodes.empty() ? 0 : 1, late_rows);
  graph_.ground = BigArray<uint32_t>(static_cast<size_t>(codes_.rows()) * 2 * options.m);
  std::copy_n(base.ground.data(), base.ground.size(), graph_.ground.data());
  std::fill(graph_.ground.data() + base.ground.size(), graph_.ground.data() + graph_.ground.size(), kNoLink);
  graph_.upper_links = base.upper_links;
  if (!base.level_nodes.empty()) {
    const size_t added = graph_.level_nodes.front() - base.level_nodes.front();
    const size_t level_end = base.level_nodes.front() * static_cast<size_t>(base.m);  // The links of level 1 come first.
    graph_.upper_links.insert(graph_.upper_links.begin() + static_cast<std::ptrdiff_t>(level_end),
                              added * static_cast<size_t>(base.m), kNoLink);
  }
  PrepareInsertion();
}

void HnswBuilder::OrderRows(size_t first_row, int max_level, int64_t late_rows) {
  const size_t rows = static_cast<size_t>(codes_.rows());
  std::mt19937_64 random(/*seed=*/1 + first_row);
  const std::vector<uint8_t> levels = DrawLevels(rows - first_row, options_.m, &random);
  const int top = std::min<int>(max_level, *std::max_element(levels.begin(), levels.end()));
  for (int level = top; level >= 0; --level) {
    for (size_t i = 0; i < levels.size(); ++i) {
      if (std::min<int>(levels[i], max_level) == level) {
        order_.push_back(static_cast<uint32_t>(first_row + i));
      }
    }
    if (level == 1 && first_row > 0) {
      graph_.level_nodes.front() = order_.size();
    } else if (level > 0) {
      graph_.level_nodes.insert(graph_.level_nodes.begin(), order_.size());
    }
  }
  const size_t ground_begin = std::max<size_t>(1, graph_.level_nodes.empty() ? 0 : graph_.level_nodes.front());
  late_count_ = std::min(static_cast<size_t>(late_rows), order_.size() - ground_begin);
  for (size_t i = 0; i < late_count_; ++i) {
    const size_t last = order_.size() - 1 - i;
    std::swap(order_[last], order_[std::uniform_int_distribution<size_t>(ground_begin, last)(random)]);
  }
}

void HnswBuilder::PrepareInsertion() {
  const size_t upper_nodes = graph_.level_nodes.empty() ? 0 : graph_.level_nodes.front();
  graph_.upper_rows.assign(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(upper_nodes));
  locks_.emplace_back(static_cast<size_t>(codes_.rows()));
  for (const size_t nodes : graph_.level_nodes) {
    locks_.emplace_back(nodes);
  }
  levels_ = HnswLevels(graph_, codes_);
}

absl::Span<const uint32_t> HnswBuilder::late_rows() const {
  return absl::MakeConstSpan(order_).last(late_count_);
}

absl::Status HnswBuilder::InsertMost(const std::stop_token& stop) {
  return InsertRange(first_position_, order_.size() - late_count_, stop);
}

absl::Status HnswBuilder::InsertLate(const std::stop_token& stop) {
  return InsertRange(order_.size() - late_count_, order_.size(), stop);
}

absl::Status HnswBuilder::InsertRange(size_t begin, size_t end, const std::stop_token& stop) {
  std::atomic<size_t> next = begin;
  const int threads = end > begin + 1 ? options_.threads : 1;
  RunOnThreads(threads, [&](int /*thread*/) {
    Inserter inserter(this);
    for (size_t position = next++; position < end && !stop.stop_requested(); position = next++) {
      inserter.Insert(position);
    }
  });
  return stop.stop_requested() ? absl::CancelledError("the index is closing") : absl::OkStatus();
}

}  // namespace semblance::index
