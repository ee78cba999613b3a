#include "index/sealed_segment.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/DistanceComputer.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "index/faiss_call.h"
#include "index/kernels.h"
#include "index/segment_file.h"

namespace semblance {
namespace {

// A row that the graph visits costs about as much as this many rows of a scan: it lies anywhere in memory.
constexpr int64_t kVisitCost = 4;
// Rows added between two looks at `stop`.
constexpr size_t kBuildBatchRows = 512;

class DotComputer final : public faiss::FlatCodesDistanceComputer {
 public:
  DotComputer(const uint8_t* rows, int dimension)
      : FlatCodesDistanceComputer(rows, dimension * sizeof(float)), dimension_(dimension) {}

  void set_query(const float* query) override { query_ = query; }
  float distance_to_code(const uint8_t* row) override { return DotProduct(query_, FloatsOf(row), dimension_); }
  float symmetric_dis(idx_t a, idx_t b) override {
    return DotProduct(FloatsOf(codes + a * code_size), FloatsOf(codes + b * code_size), dimension_);
  }

 private:
  static const float* FloatsOf(const uint8_t* row) { return reinterpret_cast<const float*>(row); }

  const int dimension_;
  const float* query_ = nullptr;
};

// IndexFlatIP with our inner product, which uses wider instructions than the FAISS of a distribution.
class DotFlat final : public faiss::IndexFlatIP {
 public:
  using IndexFlatIP::IndexFlatIP;

  faiss::FlatCodesDistanceComputer* get_FlatCodesDistanceComputer() const override {
    return new DotComputer(codes.data(), static_cast<int>(d));
  }
};

class BytesReader final : public faiss::IOReader {
 public:
  explicit BytesReader(absl::string_view bytes) : rest_(bytes) {}

  size_t operator()(void* to, size_t size, size_t count) override {
    const size_t whole = std::min(count, rest_.size() / size);
    std::memcpy(to, rest_.data(), whole * size);
    rest_.remove_prefix(whole * size);
    return whole;
  }

 private:
  absl::string_view rest_;
};

// Gives `graph` the storage `flat`, in place of the one that it has.
void ReplaceStorage(std::unique_ptr<DotFlat> flat, faiss::IndexHNSW* graph) {
  delete graph->storage;
  graph->storage = flat.release();
  graph->own_fields = true;
}

std::unique_ptr<DotFlat> TakeVectors(faiss::IndexFlat* from) {
  auto flat = std::make_unique<DotFlat>(from->d);
  flat->codes.swap(from->codes);
  flat->ntotal = from->ntotal;
  return flat;
}

std::unique_ptr<faiss::Index> NewIndex(const SegmentedIndexOptions& options) {
  auto flat = std::make_unique<DotFlat>(options.dimension);
  if (options.kind == SegmentedIndexOptions::Kind::kExact) {
    return flat;
  }
  auto graph = std::make_unique<faiss::IndexHNSWFlat>(options.dimension, options.hnsw_m, faiss::METRIC_INNER_PRODUCT);
  graph->hnsw.efConstruction = options.hnsw_ef_construction;
  ReplaceStorage(std::move(flat), graph.get());
  return graph;
}

}  // namespace

struct SealedSegment::Rep {
  explicit Rep(std::unique_ptr<faiss::Index> any) : index(std::move(any)) {
    const auto* hnsw = dynamic_cast<const faiss::IndexHNSWFlat*>(index.get());
    graph = hnsw == nullptr ? nullptr : &hnsw->hnsw;
    flat = dynamic_cast<const DotFlat*>(hnsw == nullptr ? index.get() : hnsw->storage);
  }

  // Clearing a table for every search would cost more than a search of a small graph.
  std::unique_ptr<faiss::VisitedTable> TakeVisited() {
    {
      MutexLock lock(&mutex);
      if (!visited.empty()) {
        std::unique_ptr<faiss::VisitedTable> table = std::move(visited.back());
        visited.pop_back();
        return table;
      }
    }
    return std::make_unique<faiss::VisitedTable>(static_cast<int>(index->ntotal));
  }

  void ReturnVisited(std::unique_ptr<faiss::VisitedTable> table) {
    MutexLock lock(&mutex);
    visited.push_back(std::move(table));
  }

  const std::unique_ptr<faiss::Index> index;
  const faiss::HNSW* graph = nullptr;  // Null in an exact segment.
  const DotFlat* flat = nullptr;
  Mutex mutex;
  std::vector<std::unique_ptr<faiss::VisitedTable>> visited SEMBLANCE_GUARDED_BY(mutex);
};

namespace {

bool IsWhole(const faiss::HNSW& graph, int64_t rows) {
  const auto is_row = [rows](int64_t row) { return row < rows; };
  return graph.levels.size() == static_cast<size_t>(rows) && graph.offsets.size() == graph.levels.size() + 1 &&
         graph.neighbors.size() == graph.offsets.back() && is_row(graph.entry_point) &&
         std::all_of(graph.neighbors.begin(), graph.neighbors.end(), is_row);
}

// What a segment file holds, with our storage in place of FAISS's. Null: not one of our kinds.
std::unique_ptr<faiss::Index> ReadIndex(absl::string_view bytes) {
  BytesReader reader(bytes);
  std::unique_ptr<faiss::Index> index(faiss::read_index(&reader));
  auto* graph = dynamic_cast<faiss::IndexHNSWFlat*>(index.get());
  auto* flat = dynamic_cast<faiss::IndexFlat*>(graph == nullptr ? index.get() : graph->storage);
  if (flat == nullptr || flat->metric_type != faiss::METRIC_INNER_PRODUCT) {
    return nullptr;
  }
  std::unique_ptr<DotFlat> ours = TakeVectors(flat);
  if (graph == nullptr) {
    return ours;
  }
  if (graph->ntotal != ours->ntotal || graph->d != ours->d || !IsWhole(graph->hnsw, graph->ntotal)) {
    return nullptr;
  }
  ReplaceStorage(std::move(ours), graph);
  return index;
}

}  // namespace

SealedSegment::SealedSegment(uint64_t file_number, int dimension, absl::Span<const uint64_t> keys, std::unique_ptr<Rep> rep)
    : Segment(file_number, dimension, static_cast<int64_t>(keys.size())), rep_(std::move(rep)) {
  std::copy(keys.begin(), keys.end(), keys_.get());
  vectors_ = rep_->flat->get_xb();
  rows_.store(static_cast<int64_t>(keys.size()), std::memory_order_release);
}

SealedSegment::~SealedSegment() = default;

absl::StatusOr<std::unique_ptr<SealedSegment>> SealedSegment::Build(uint64_t file_number, const SegmentedIndexOptions& options,
                                                                    absl::Span<const IndexAdd> rows,
                                                                    const std::atomic<bool>& stop) {
  std::unique_ptr<faiss::Index> index = NewIndex(options);
  std::vector<uint64_t> keys;
  std::vector<float> batch;
  for (size_t begin = 0; begin < rows.size(); begin += kBuildBatchRows) {
    if (stop.load(std::memory_order_relaxed)) {
      return absl::CancelledError("the index is closing");
    }
    batch.clear();
    for (const IndexAdd& row : rows.subspan(begin, kBuildBatchRows)) {
      keys.push_back(row.key);
      batch.insert(batch.end(), row.vector.begin(), row.vector.end());
    }
    SEMBLANCE_RETURN_IF_ERROR(
        FaissCall("building a segment", [&] { index->add(static_cast<int64_t>(batch.size()) / options.dimension, batch.data()); }));
  }
  return std::unique_ptr<SealedSegment>(
      new SealedSegment(file_number, options.dimension, keys, std::make_unique<Rep>(std::move(index))));
}

absl::StatusOr<std::string> SealedSegment::Serialize() const {
  faiss::VectorIOWriter writer;
  SEMBLANCE_RETURN_IF_ERROR(FaissCall("writing a segment", [&] { faiss::write_index(rep_->index.get(), &writer); }));
  const absl::string_view index(reinterpret_cast<const char*>(writer.data.data()), writer.data.size());
  return EncodeSegmentFile(dimension_, {keys_.get(), static_cast<size_t>(rows())}, index);
}

absl::StatusOr<std::unique_ptr<SealedSegment>> SealedSegment::Parse(uint64_t file_number, int dimension, absl::string_view file) {
  SEMBLANCE_ASSIGN_OR_RETURN(const SegmentFile decoded, DecodeSegmentFile(file));
  if (decoded.dimension != dimension) {
    return absl::DataLossError(absl::StrCat("segment file: dimension ", decoded.dimension, " instead of ", dimension));
  }
  std::unique_ptr<faiss::Index> index;
  const absl::Status read = FaissCall("segment file", [&] { index = ReadIndex(decoded.index); });
  if (!read.ok()) {
    return absl::DataLossError(read.message());
  }
  if (index == nullptr || index->d != dimension || index->ntotal != static_cast<int64_t>(decoded.keys.size())) {
    return absl::DataLossError("segment file: the FAISS index in it is not the one that was written");
  }
  return std::unique_ptr<SealedSegment>(
      new SealedSegment(file_number, dimension, decoded.keys, std::make_unique<Rep>(std::move(index))));
}

int64_t SealedSegment::Find(uint64_t key) const {
  const uint64_t* end = keys_.get() + rows();
  const uint64_t* found = std::lower_bound(static_cast<const uint64_t*>(keys_.get()), end, key);
  const int64_t row = found - keys_.get();
  return found != end && *found == key && deleted_at(row) != kNeverVisible ? row : -1;
}

void SealedSegment::Search(const SegmentQuery& query, TopRows* top) const {
  if (query.exact) {
    return Scan(query, top);
  }
  const int64_t live = live_rows();
  const int64_t ef = std::max(query.ef_search, query.top_k);
  if (rep_->graph == nullptr || live == 0 || ef * rows() / live * kVisitCost * rep_->graph->nb_neighbors(0) >= rows()) {
    return Scan(query, top);
  }
  const std::vector<ScoredRow> found = SearchVisible(query, static_cast<int>(ef));
  if (found.size() < static_cast<size_t>(query.top_k)) {
    return Scan(query, top);
  }
  for (const ScoredRow& one : found) {
    if (top->MayKeep(one.score)) {
      top->Offer(key(one.row), one.score);
    }
  }
}

std::vector<ScoredRow> SealedSegment::SearchVisible(const SegmentQuery& query, int ef) const {
  std::unique_ptr<faiss::VisitedTable> visited = rep_->TakeVisited();
  std::vector<ScoredRow> found = SearchGraph(
      *rep_->graph, {query.vector, vectors_, dimension_, ef}, [&](int64_t row) { return VisibleAt(row, query.sequence); },
      visited.get());
  rep_->ReturnVisited(std::move(visited));
  return found;
}

}  // namespace semblance
