#include "index/finders/ivf_finder.h"

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>
#include <faiss/impl/ProductQuantizer.h>
#include <faiss/utils/distances.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <stop_token>
#include <utility>

#include "common/status_macros.h"
#include "index/finders/faiss_call.h"
#include "index/finders/search_tuning.h"
#include "index/kernels/kernels.h"
#include "index/rows/top_rows.h"

namespace semblance::index {
namespace {

// FAISS advises these numbers for k-means. Centroids of fewer rows are bad; more rows take more time without better centroids.
constexpr int64_t kMinRowsPerList = 39;
constexpr int64_t kTrainingRowsPerList = 64;
constexpr int64_t kPqTrainingRows = 65536;
// Segments with fewer rows are scanned at full precision: the 256 values of each part of a code cannot be trained from so few.
constexpr int64_t kMinPqRows = 1024;
constexpr int64_t kBlockRows = 1024;
constexpr int kPqBits = 8;
constexpr size_t kPqValues = size_t{1} << kPqBits;
// For each row that a query asks for, this many candidates by product code are compared at full precision.
constexpr int kComparedPerRow = 10;

struct IvfParts {
  int dimension = 0;
  // Shape [lists, dimension].
  std::vector<float> centroids;
  // For each list, the row behind its last one. Rows are sorted by list.
  std::vector<uint32_t> list_ends;
  // Product codes of the rows minus their centroids, of shape [rows, pq->code_size]. Null and empty when rows are compared at full
  // precision.
  std::unique_ptr<faiss::ProductQuantizer> pq;
  BigArray<uint8_t> pq_codes;
  // The nprobe that reached the target recall.
  TunedEffort tuned;

  int lists() const { return static_cast<int>(list_ends.size()); }
  int64_t rows() const { return list_ends.back(); }
  const float* centroid(int64_t list) const { return &centroids[static_cast<size_t>(list * dimension)]; }
  int64_t list_begin(int64_t list) const { return list == 0 ? 0 : list_ends[static_cast<size_t>(list - 1)]; }
};

// Scans the lists for one query.
class ListScan {
 public:
  ListScan(const IvfParts& parts, const float* vectors, const float* query, int top_k, const RowFilter* filter)
      : parts_(parts),
        vectors_(vectors),
        query_(query),
        filter_(filter),
        top_(parts.pq == nullptr ? top_k : kComparedPerRow * top_k) {
    if (parts.pq != nullptr) {
      table_.resize(parts.pq->M * kPqValues);
      parts.pq->compute_inner_prod_table(query, table_.data());
    }
  }

  void Run(int nprobe) {
    std::vector<float> scores(parts_.list_ends.size());
    DotProducts(query_, parts_.centroids.data(), parts_.lists(), parts_.dimension, scores.data());
    std::vector<int> nearest(scores.size());
    std::iota(nearest.begin(), nearest.end(), 0);
    const auto end = nearest.begin() + std::min(nprobe, parts_.lists());
    std::partial_sort(nearest.begin(), end, nearest.end(), [&](int a, int b) { return scores[a] > scores[b]; });
    for (auto list = nearest.begin(); list != end; ++list) {
      for (int64_t row = parts_.list_begin(*list); row < parts_.list_ends[*list]; row += kBlockRows) {
        ScanBlock(row, std::min<int64_t>(kBlockRows, parts_.list_ends[*list] - row), scores[*list]);
      }
    }
  }

  void TakeRows(std::vector<uint32_t>* rows) {
    for (const ScoredKey& one : top_.Take()) {
      rows->push_back(static_cast<uint32_t>(one.key));
    }
  }

 private:
  void ScanBlock(int64_t begin, int64_t count, float centroid_score) {
    float scores[kBlockRows];
    if (parts_.pq == nullptr) {
      DotProducts(query_, vectors_ + begin * parts_.dimension, count, parts_.dimension, scores);
    } else {
      for (int64_t i = 0; i < count; ++i) {
        scores[i] = centroid_score + CodeScore(parts_.pq_codes.data() + (begin + i) * static_cast<int64_t>(parts_.pq->M));
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      if (top_.MayKeep(scores[i]) && (filter_ == nullptr || filter_->Passes(begin + i))) {
        top_.Offer(static_cast<uint64_t>(begin + i), scores[i]);
      }
    }
  }

  float CodeScore(const uint8_t* code) const {
    float score = 0;
    for (size_t m = 0; m < parts_.pq->M; ++m) {
      score += table_[m * kPqValues + code[m]];
    }
    return score;
  }

  const IvfParts& parts_;
  const float* const vectors_;
  const float* const query_;
  const RowFilter* const filter_;
  std::vector<float> table_;
  TopRows top_;
};

class IvfFinder final : public CandidateFinder {
 public:
  IvfFinder(IvfParts parts, const float* vectors) : parts_(std::move(parts)), vectors_(vectors) {}

  int64_t CostInRows(const SegmentQuery& query, double share) const override {
    return parts_.lists() + parts_.rows() * NprobeOf(query, share) / parts_.lists();
  }

  bool Find(const SegmentQuery& query, double share, const RowFilter* filter, std::vector<uint32_t>* rows) const override {
    ListScan scan(parts_, vectors_, query.vector, query.top_k, filter);
    scan.Run(NprobeOf(query, share));
    scan.TakeRows(rows);
    return true;
  }

  int64_t memory_bytes() const override {
    return static_cast<int64_t>(parts_.centroids.size() * sizeof(float) + parts_.list_ends.size() * sizeof(uint32_t) +
                                parts_.pq_codes.bytes());
  }

  void Save(nlohmann::json* description, std::vector<FileSection>* sections) const override {
    (*description)["ivf"] = {{"lists", parts_.lists()},
                             {"pq_bytes", parts_.pq == nullptr ? 0 : parts_.pq->M},
                             {"nprobe", parts_.tuned.effort},
                             {"measured_recall", parts_.tuned.recall}};
    sections->push_back({SectionKind::kCentroids, BytesOf(absl::MakeConstSpan(parts_.centroids))});
    sections->push_back({SectionKind::kListEnds, BytesOf(absl::MakeConstSpan(parts_.list_ends))});
    if (parts_.pq != nullptr) {
      sections->push_back({SectionKind::kPqCentroids, BytesOf(absl::MakeConstSpan(parts_.pq->centroids))});
      sections->push_back({SectionKind::kPqCodes, BytesOf(absl::MakeConstSpan(parts_.pq_codes.data(), parts_.pq_codes.size()))});
    }
  }

 private:
  // With a filter, the neighbors that pass are spread over more lists.
  int NprobeOf(const SegmentQuery& query, double share) const {
    const int nprobe = query.nprobe > 0 ? query.nprobe : parts_.tuned.effort;
    return static_cast<int>(std::min<double>(parts_.lists(), std::ceil(nprobe / share)));
  }

  const IvfParts parts_;
  const float* const vectors_;
};

class IvfBuilder {
 public:
  IvfBuilder(const SegmentedIndexOptions& options, BigArray<float>* vectors, const std::stop_token& stop)
      : options_(options),
        dimension_(options.dimension),
        rows_(static_cast<int64_t>(vectors->size()) / options.dimension),
        vectors_(*vectors),
        stop_(stop) {
    parts_.dimension = dimension_;
  }

  absl::StatusOr<IvfParts> Build(std::vector<uint32_t>* order) {
    TrainCentroids();
    SEMBLANCE_RETURN_IF_ERROR(AssignRows());
    OrderByList(order);
    if (options_.spec.kind == IndexSpec::Kind::kIvfPq && rows_ >= kMinPqRows) {
      SEMBLANCE_RETURN_IF_ERROR(EncodeRows());
    }
    Tune();
    return std::move(parts_);
  }

 private:
  const float* vector(int64_t row) const { return vectors_.data() + row * dimension_; }

  int ListCount() const {
    const int64_t wanted = options_.spec.lists > 0 ? options_.spec.lists : std::lround(4 * std::sqrt(static_cast<double>(rows_)));
    return static_cast<int>(std::clamp<int64_t>(wanted, 1, std::max<int64_t>(1, rows_ / kMinRowsPerList)));
  }

  // Returns the vectors of `count` random rows, or of all rows.
  std::vector<float> Sample(int64_t count) {
    std::vector<uint32_t> rows(static_cast<size_t>(rows_));
    std::iota(rows.begin(), rows.end(), 0);
    std::shuffle(rows.begin(), rows.end(), random_);
    std::vector<float> sample;
    for (int64_t i = 0; i < std::min(count, rows_); ++i) {
      sample.insert(sample.end(), vector(rows[i]), vector(rows[i]) + dimension_);
    }
    return sample;
  }

  void TrainCentroids() {
    const int lists = ListCount();
    faiss::ClusteringParameters how;
    how.spherical = true;
    how.niter = 10;
    how.min_points_per_centroid = 1;  // ListCount guarantees enough rows.
    how.max_points_per_centroid = static_cast<int>(kTrainingRowsPerList);
    const std::vector<float> sample = Sample(lists * kTrainingRowsPerList);
    faiss::Clustering clustering(dimension_, lists, how);
    faiss::IndexFlatIP assigner(dimension_);
    clustering.train(static_cast<int64_t>(sample.size()) / dimension_, sample.data(), assigner);
    parts_.centroids = std::move(clustering.centroids);
    parts_.list_ends.resize(static_cast<size_t>(lists));
  }

  absl::Status AssignRows() {
    faiss::IndexFlatIP assigner(dimension_);
    assigner.add(parts_.lists(), parts_.centroids.data());
    list_of_.resize(static_cast<size_t>(rows_));
    constexpr int64_t kRowsAtOnce = 64 * kBlockRows;
    for (int64_t begin = 0; begin < rows_; begin += kRowsAtOnce) {
      if (stop_.stop_requested()) {
        return absl::CancelledError("the index is closing");
      }
      assigner.assign(std::min(kRowsAtOnce, rows_ - begin), vector(begin), &list_of_[static_cast<size_t>(begin)]);
    }
    return absl::OkStatus();
  }

  void OrderByList(std::vector<uint32_t>* order) {
    order->resize(static_cast<size_t>(rows_));
    std::iota(order->begin(), order->end(), 0);
    std::stable_sort(order->begin(), order->end(), [this](uint32_t a, uint32_t b) { return list_of_[a] < list_of_[b]; });
    BigArray<float> ordered(vectors_.size());
    for (int64_t row = 0; row < rows_; ++row) {
      const uint32_t old_row = (*order)[row];
      std::memcpy(ordered.data() + row * dimension_, vector(old_row), sizeof(float) * static_cast<size_t>(dimension_));
      parts_.list_ends[static_cast<size_t>(list_of_[old_row])] = static_cast<uint32_t>(row + 1);
    }
    vectors_ = std::move(ordered);
    // An empty list ends where the list before it ends.
    for (size_t list = 1; list < parts_.list_ends.size(); ++list) {
      parts_.list_ends[list] = std::max(parts_.list_ends[list], parts_.list_ends[list - 1]);
    }
    std::stable_sort(list_of_.begin(), list_of_.end());
  }

  // Returns rows [begin, begin + count) minus their centroids.
  std::vector<float> Residuals(int64_t begin, int64_t count) const {
    std::vector<float> residuals(vector(begin), vector(begin + count));
    for (int64_t i = 0; i < count; ++i) {
      const float* centroid = parts_.centroid(list_of_[static_cast<size_t>(begin + i)]);
      float* const residual = &residuals[static_cast<size_t>(i * dimension_)];
      std::transform(residual, residual + dimension_, centroid, residual, std::minus<>());
    }
    return residuals;
  }

  absl::Status EncodeRows() {
    const size_t bytes = static_cast<size_t>(options_.spec.pq_bytes);
    parts_.pq = std::make_unique<faiss::ProductQuantizer>(dimension_, bytes, kPqBits);
    // The sample takes rows at regular distances, because neighboring rows are of one list.
    std::vector<float> sample;
    const int64_t step = std::max<int64_t>(1, rows_ / kPqTrainingRows);
    for (int64_t row = 0; row < rows_; row += step) {
      const std::vector<float> one = Residuals(row, 1);
      sample.insert(sample.end(), one.begin(), one.end());
    }
    parts_.pq->cp.min_points_per_centroid = 1;  // The default makes FAISS warn on standard error.
    parts_.pq->train(sample.size() / static_cast<size_t>(dimension_), sample.data());
    parts_.pq_codes = BigArray<uint8_t>(static_cast<size_t>(rows_) * bytes);
    for (int64_t begin = 0; begin < rows_; begin += kBlockRows) {
      if (stop_.stop_requested()) {
        return absl::CancelledError("the index is closing");
      }
      const int64_t count = std::min(kBlockRows, rows_ - begin);
      parts_.pq->compute_codes(Residuals(begin, count).data(), parts_.pq_codes.data() + begin * static_cast<int64_t>(bytes),
                               static_cast<size_t>(count));
    }
    return absl::OkStatus();
  }

  void Tune() {
    std::vector<int> efforts;
    for (int nprobe = 1; nprobe < parts_.lists(); nprobe += std::max(1, nprobe / 2)) {
      efforts.push_back(nprobe);
    }
    efforts.push_back(parts_.lists());
    std::vector<uint32_t> queries;
    for (int64_t i = 0; i < std::min(kTuningQueries, rows_ / 10); ++i) {
      queries.push_back(static_cast<uint32_t>(random_() % static_cast<uint64_t>(rows_)));
    }
    // Queries find themselves and each other, but do not count. So more rows are asked for than are counted.
    parts_.tuned = TuneEffort({{vectors_.data(), vectors_.size()}, dimension_, queries, efforts, options_.target_recall},
                              [&](const float* query, int nprobe) {
                                std::vector<uint32_t> found;
                                ListScan scan(parts_, vectors_.data(), query, 2 * kTuningTopK, /*filter=*/nullptr);
                                scan.Run(nprobe);
                                scan.TakeRows(&found);
                                return found;
                              });
  }

  const SegmentedIndexOptions& options_;
  const int dimension_;
  const int64_t rows_;
  BigArray<float>& vectors_;
  const std::stop_token stop_;
  std::mt19937 random_{1};
  IvfParts parts_;
  std::vector<faiss::Index::idx_t> list_of_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CandidateFinder>> BuildIvfFinder(const SegmentedIndexOptions& options, BigArray<float>* vectors,
                                                                std::vector<uint32_t>* order, const std::stop_token& stop) {
  absl::StatusOr<IvfParts> parts;
  SEMBLANCE_RETURN_IF_ERROR(FaissCall("building inverted lists", [&] { parts = IvfBuilder(options, vectors, stop).Build(order); }));
  SEMBLANCE_RETURN_IF_ERROR(parts.status());
  return std::make_unique<IvfFinder>(*std::move(parts), vectors->data());
}

absl::StatusOr<std::unique_ptr<CandidateFinder>> LoadIvfFinder(const nlohmann::json& description, const SegmentSections& sections,
                                                               int dimension, int64_t rows, const float* vectors) {
  const nlohmann::json& numbers = description.at("ivf");
  IvfParts parts;
  parts.dimension = dimension;
  parts.tuned = {numbers.at("nprobe").get<int>(), numbers.at("measured_recall").get<double>()};
  parts.list_ends.resize(numbers.at("lists").get<size_t>());
  SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kListEnds, parts.list_ends.size(), parts.list_ends.data()));
  if (parts.list_ends.empty() || !std::is_sorted(parts.list_ends.begin(), parts.list_ends.end()) || parts.rows() != rows) {
    return absl::DataLossError("the lists do not hold the rows");
  }
  parts.centroids.resize(parts.list_ends.size() * dimension);
  SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kCentroids, parts.centroids.size(), parts.centroids.data()));
  if (const size_t bytes = numbers.at("pq_bytes").get<size_t>(); bytes > 0) {
    SEMBLANCE_RETURN_IF_ERROR(FaissCall("reading a product quantizer",
                                        [&] { parts.pq = std::make_unique<faiss::ProductQuantizer>(dimension, bytes, kPqBits); }));
    SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kPqCentroids, parts.pq->centroids.size(), parts.pq->centroids.data()));
    parts.pq_codes = BigArray<uint8_t>(static_cast<size_t>(rows) * bytes);
    SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kPqCodes, parts.pq_codes.size(), parts.pq_codes.data()));
  }
  return std::make_unique<IvfFinder>(std::move(parts), vectors);
}

}  // namespace semblance::index
