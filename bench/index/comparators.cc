#include "bench/index/comparators.h"

#include <faiss/IndexHNSW.h>
#include <hnswlib/hnswlib.h>

#include <algorithm>

namespace semblance::bench {
namespace {

class FaissSearch final : public Comparator {
 public:
  FaissSearch(const BenchData& data, const hnswlib::HierarchicalNSW<float>& graph)
      : index_(data.dimension, static_cast<int>(graph.M_), faiss::METRIC_INNER_PRODUCT) {
    index_.storage->add(data.rows(), data.base.data());
    index_.ntotal = data.rows();
    faiss::HNSW& hnsw = index_.hnsw;
    hnsw.entry_point = static_cast<faiss::HNSW::storage_idx_t>(graph.enterpoint_node_);
    hnsw.max_level = graph.maxlevel_;
    for (int64_t row = 0; row < data.rows(); ++row) {
      hnsw.levels.push_back(graph.element_levels_[static_cast<size_t>(row)] + 1);
      hnsw.offsets.push_back(hnsw.offsets.back() + static_cast<size_t>(hnsw.cum_nb_neighbors(hnsw.levels.back())));
    }
    hnsw.neighbors.assign(hnsw.offsets.back(), -1);
    for (int64_t row = 0; row < data.rows(); ++row) {
      for (int level = 0; level < hnsw.levels[static_cast<size_t>(row)]; ++level) {
        CopyLinks(graph, row, level);
      }
    }
  }

  void SetEf(int ef) override { index_.hnsw.efSearch = ef; }

  std::vector<int64_t> Search(absl::Span<const float> query) override {
    std::vector<float> scores(kTopK);
    std::vector<int64_t> rows(kTopK);
    index_.search(1, query.data(), kTopK, scores.data(), rows.data());
    return rows;
  }

 private:
  void CopyLinks(const hnswlib::HierarchicalNSW<float>& graph, int64_t row, int level) {
    const auto id = static_cast<hnswlib::tableint>(row);
    hnswlib::linklistsizeint* const list = graph.get_linklist_at_level(id, level);
    const auto* const links = reinterpret_cast<const hnswlib::tableint*>(list + 1);
    size_t begin = 0;
    size_t end = 0;
    index_.hnsw.neighbor_range(row, level, &begin, &end);
    std::copy_n(links, graph.getListCount(list), index_.hnsw.neighbors.begin() + static_cast<std::ptrdiff_t>(begin));
  }

  faiss::IndexHNSWFlat index_;
};

class Hnswlib final : public HnswlibIndex {
 public:
  Hnswlib(const BenchData& data, const GraphParameters& parameters)
      : data_(data),
        space_(static_cast<size_t>(data.dimension)),
        graph_(&space_, static_cast<size_t>(data.rows()), static_cast<size_t>(parameters.m),
               static_cast<size_t>(parameters.ef_construction)) {
    for (int64_t row = 0; row < data.rows(); ++row) {
      graph_.addPoint(data.row(row).data(), static_cast<hnswlib::labeltype>(row));
    }
  }

  void SetEf(int ef) override { graph_.setEf(static_cast<size_t>(ef)); }

  std::vector<int64_t> Search(absl::Span<const float> query) override {
    auto found = graph_.searchKnn(query.data(), kTopK);
    std::vector<int64_t> rows;
    while (!found.empty()) {
      rows.push_back(static_cast<int64_t>(found.top().second));
      found.pop();
    }
    return rows;
  }

  std::unique_ptr<Comparator> WithFaissSearch() const override { return std::make_unique<FaissSearch>(data_, graph_); }

 private:
  const BenchData& data_;
  hnswlib::InnerProductSpace space_;
  hnswlib::HierarchicalNSW<float> graph_;
};

}  // namespace

std::unique_ptr<HnswlibIndex> BuildHnswlib(const BenchData& data, const GraphParameters& parameters) {
  return std::make_unique<Hnswlib>(data, parameters);
}

}  // namespace semblance::bench
