#include "index/graph_search.h"

#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/HNSW.h>

#include <algorithm>

#include "index/kernels.h"

namespace semblance {
namespace {

constexpr size_t kCacheLineBytes = 64;

bool Better(const ScoredRow& a, const ScoredRow& b) {
  return a.score > b.score;
}
bool Worse(const ScoredRow& a, const ScoredRow& b) {
  return a.score < b.score;
}

class GraphWalk {
 public:
  GraphWalk(const faiss::HNSW& graph, const GraphQuery& query, absl::FunctionRef<bool(int64_t)> visible,
            faiss::VisitedTable* visited)
      : graph_(graph), query_(query), visible_(visible), visited_(*visited) {}

  std::vector<ScoredRow> Run() {
    if (graph_.entry_point < 0) {
      return {};
    }
    ScoredRow start = {Score(graph_.entry_point), graph_.entry_point};
    for (int level = graph_.max_level; level > 0; --level) {
      start = Descend(start, level);
    }
    visited_.set(static_cast<int>(start.row));
    Reach(start);
    while (!frontier_.empty() && MayKeep(frontier_.front().score)) {
      std::pop_heap(frontier_.begin(), frontier_.end(), Worse);
      const int64_t row = frontier_.back().row;
      frontier_.pop_back();
      Expand(row);
    }
    visited_.advance();
    return std::move(found_);
  }

 private:
  float Score(int64_t row) const { return DotProduct(query_.vector, VectorOf(row), query_.dimension); }
  const float* VectorOf(int64_t row) const { return query_.rows + row * query_.dimension; }
  bool MayKeep(float score) const { return found_.size() < static_cast<size_t>(query_.ef) || score > found_.front().score; }

  template <typename Visitor>
  void ForEachNeighbor(int64_t row, int level, const Visitor& visit) const {
    size_t begin = 0;
    size_t end = 0;
    graph_.neighbor_range(row, level, &begin, &end);
    for (; begin < end && graph_.neighbors[begin] >= 0; ++begin) {
      visit(graph_.neighbors[begin]);
    }
  }

  // The row of this level to which no neighbour is preferable.
  ScoredRow Descend(ScoredRow best, int level) const {
    for (bool moved = true; moved;) {
      moved = false;
      ForEachNeighbor(best.row, level, [&](int64_t row) {
        if (const float score = Score(row); score > best.score) {
          best = {score, row};
          moved = true;
        }
      });
    }
    return best;
  }

  // Scores the neighbours not seen before. First all are asked for, then all are scored: they lie anywhere in memory.
  void Expand(int64_t row) {
    unseen_.clear();
    ForEachNeighbor(row, 0, [&](int neighbor) {
      if (!visited_.get(neighbor)) {
        visited_.set(neighbor);
        Prefetch(neighbor);
        unseen_.push_back(neighbor);
      }
    });
    for (const int neighbor : unseen_) {
      if (const ScoredRow one = {Score(neighbor), neighbor}; MayKeep(one.score)) {
        Reach(one);
      }
    }
  }

  void Prefetch(int64_t row) const {
    const char* begin = reinterpret_cast<const char*>(VectorOf(row));
    for (size_t offset = 0; offset < query_.dimension * sizeof(float); offset += kCacheLineBytes) {
      __builtin_prefetch(begin + offset);
    }
  }

  void Reach(const ScoredRow& one) {
    frontier_.push_back(one);
    std::push_heap(frontier_.begin(), frontier_.end(), Worse);
    if (!visible_(one.row)) {
      return;
    }
    found_.push_back(one);
    std::push_heap(found_.begin(), found_.end(), Better);
    if (found_.size() > static_cast<size_t>(query_.ef)) {
      std::pop_heap(found_.begin(), found_.end(), Better);
      found_.pop_back();
    }
  }

  const faiss::HNSW& graph_;
  const GraphQuery& query_;
  const absl::FunctionRef<bool(int64_t)> visible_;
  faiss::VisitedTable& visited_;
  std::vector<int> unseen_;
  std::vector<ScoredRow> frontier_;  // A heap with the best row in front.
  std::vector<ScoredRow> found_;     // A heap with the worst row in front.
};

}  // namespace

std::vector<ScoredRow> SearchGraph(const faiss::HNSW& graph, const GraphQuery& query, absl::FunctionRef<bool(int64_t)> visible,
                                   faiss::VisitedTable* visited) {
  return GraphWalk(graph, query, visible, visited).Run();
}

}  // namespace semblance
