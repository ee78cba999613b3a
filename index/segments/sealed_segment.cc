#include "index/segments/sealed_segment.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stop_token>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "index/files/segment_file.h"
#include "index/finders/hnsw_finder.h"
#include "index/finders/ivf_finder.h"

namespace semblance::index {
namespace {

using nlohmann::json;

// In the time that it takes to find one row by its key and compare it, a scan compares this many rows.
constexpr int64_t kKeyCostInRows = 4;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("segment file: ", what));
}

absl::StatusOr<json> ReadDescription(const SegmentSections& sections) {
  SEMBLANCE_ASSIGN_OR_RETURN(const absl::string_view text, sections.Find(SectionKind::kDescription));
  json description = json::parse(text.begin(), text.end(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  return description.is_object() ? absl::StatusOr<json>(std::move(description)) : Damaged("its description is no JSON object");
}

absl::StatusOr<std::unique_ptr<CandidateFinder>> LoadFinder(const json& description, const SegmentSections& sections, int dimension,
                                                            int64_t rows, const float* vectors) {
  if (description.contains("hnsw")) {
    return LoadHnswFinder(description, sections, dimension, rows);
  }
  if (description.contains("ivf")) {
    return LoadIvfFinder(description, sections, dimension, rows, vectors);
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SealedSegment>> SealedSegment::Build(uint64_t file_number, const SegmentedIndexOptions& options,
                                                                    absl::Span<const IndexAdd> rows, int64_t index_rows,
                                                                    const std::stop_token& stop) {
  const int64_t count = static_cast<int64_t>(rows.size());
  const ChosenIndexSpec chosen =
      ChooseIndexSpec(options.spec, options.dimension, count, index_rows, options.EffectiveMemoryBudgetBytes());
  std::unique_ptr<SealedSegment> segment(new SealedSegment(file_number, options.dimension, count, chosen.spec));
  segment->storage_ = BigArray<float>(rows.size() * options.dimension);
  for (size_t row = 0; row < rows.size(); ++row) {
    std::copy(rows[row].vector.begin(), rows[row].vector.end(), segment->storage_.data() + row * options.dimension);
  }
  SegmentedIndexOptions how = options;
  how.spec = chosen.spec;
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  if (how.spec.kind == IndexSpec::Kind::kHnsw) {
    SEMBLANCE_ASSIGN_OR_RETURN(segment->finder_, BuildHnswFinder(how, segment->storage_.data(), count, stop));
  } else if (how.spec.kind != IndexSpec::Kind::kFlat) {
    SEMBLANCE_ASSIGN_OR_RETURN(segment->finder_, BuildIvfFinder(how, &segment->storage_, &order, stop));
  }
  for (size_t row = 0; row < rows.size(); ++row) {
    segment->keys_[row] = rows[order[row]].key;
  }
  segment->vectors_ = segment->storage_.data();
  segment->FinishRows(count);
  segment->description_ = absl::StrCat(ToString(chosen.spec), " (", chosen.why, ")");
  return segment;
}

bool SealedSegment::CanExtend(const SegmentedIndexOptions& options, int64_t added, uint64_t first_added) const {
  SegmentedIndexOptions how = options;
  how.spec = spec_;
  const bool same_kind = options.spec.kind == IndexSpec::Kind::kAuto || ToString(options.spec) == ToString(spec_);
  return same_kind && last_key_ < first_added && finder_ != nullptr && finder_->CanExtend(how, rows() + added);
}

absl::StatusOr<std::unique_ptr<SealedSegment>> SealedSegment::Extend(uint64_t file_number, const SegmentedIndexOptions& options,
                                                                     absl::Span<const IndexAdd> added,
                                                                     const std::stop_token& stop) const {
  const int64_t count = rows() + static_cast<int64_t>(added.size());
  std::unique_ptr<SealedSegment> segment(new SealedSegment(file_number, options.dimension, count, spec_));
  segment->storage_ = BigArray<float>(static_cast<size_t>(count) * options.dimension);
  std::copy_n(vectors_, rows() * dimension_, segment->storage_.data());
  std::copy_n(keys_.data(), rows(), segment->keys_.data());
  for (size_t i = 0; i < added.size(); ++i) {
    const int64_t row = rows() + static_cast<int64_t>(i);
    segment->keys_[row] = added[i].key;
    std::copy(added[i].vector.begin(), added[i].vector.end(), segment->storage_.data() + row * dimension_);
  }
  SegmentedIndexOptions how = options;
  how.spec = spec_;
  SEMBLANCE_ASSIGN_OR_RETURN(segment->finder_, finder_->Extend(how, segment->storage_.data(), count, stop));
  if (segment->finder_ == nullptr) {
    return nullptr;
  }
  segment->vectors_ = segment->storage_.data();
  segment->FinishRows(count);
  segment->description_ = description_;
  return segment;
}

void SealedSegment::FinishRows(int64_t count) {
  first_key_ = *std::min_element(keys_.data(), keys_.data() + count);
  last_key_ = *std::max_element(keys_.data(), keys_.data() + count);
  if (!std::is_sorted(keys_.data(), keys_.data() + count)) {
    by_key_ = BigArray<uint32_t>(static_cast<size_t>(count));
    std::iota(by_key_.data(), by_key_.data() + count, 0);
    std::sort(by_key_.data(), by_key_.data() + count, [this](uint32_t a, uint32_t b) { return keys_[a] < keys_[b]; });
  }
  rows_.store(count, std::memory_order_release);
}

absl::Status SealedSegment::Write(const std::string& path) const {
  const size_t count = static_cast<size_t>(rows());
  json description = {{"dimension", dimension_}, {"rows", count}, {"index", ToString(spec_)}, {"description", description_}};
  std::vector<FileSection> sections = {
      {SectionKind::kDescription, {}},
      {SectionKind::kKeys, BytesOf(absl::MakeConstSpan(keys_.data(), count))},
      {SectionKind::kVectors, BytesOf(absl::MakeConstSpan(vectors_, count * static_cast<size_t>(dimension_)))},
  };
  if (finder_ != nullptr) {
    finder_->Save(&description, &sections);
  }
  const std::string text = description.dump();
  sections.front().bytes = text;
  return WriteSegmentFile(path, sections);
}

absl::StatusOr<std::unique_ptr<SealedSegment>> SealedSegment::Open(uint64_t file_number, int dimension, const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> file, MappedFile::Open(path));
  SEMBLANCE_ASSIGN_OR_RETURN(const SegmentSections sections, SegmentSections::Decode(file->bytes()));
  SEMBLANCE_ASSIGN_OR_RETURN(const json description, ReadDescription(sections));
  try {
    return Load(file_number, dimension, description, sections, std::move(file));
  } catch (const json::exception& error) {
    return Damaged(error.what());
  }
}

absl::StatusOr<std::unique_ptr<SealedSegment>> SealedSegment::Load(uint64_t file_number, int dimension, const json& description,
                                                                   const SegmentSections& sections,
                                                                   std::unique_ptr<MappedFile> file) {
  const int64_t count = description.at("rows").get<int64_t>();
  if (description.at("dimension") != json(dimension) || count < 1) {
    return Damaged(absl::StrCat("it has ", count, " rows of another dimension than ", dimension));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const absl::string_view vectors, sections.Find(SectionKind::kVectors));
  if (vectors.size() != static_cast<size_t>(count) * dimension * sizeof(float)) {
    return Damaged("its vectors are not as many as its rows");
  }
  const absl::StatusOr<IndexSpec> spec = ParseIndexSpec(description.at("index").get<std::string>());
  if (!spec.ok()) {
    return Damaged(spec.status().message());
  }
  std::unique_ptr<SealedSegment> segment(new SealedSegment(file_number, dimension, count, *spec));
  segment->description_ = description.at("description").get<std::string>();
  SEMBLANCE_RETURN_IF_ERROR(sections.Copy(SectionKind::kKeys, static_cast<size_t>(count), segment->keys_.data()));
  if (spec->mapped) {
    segment->vectors_ = reinterpret_cast<const float*>(vectors.data());
  } else {
    segment->storage_ = BigArray<float>(static_cast<size_t>(count) * dimension);
    std::memcpy(segment->storage_.data(), vectors.data(), vectors.size());
    segment->vectors_ = segment->storage_.data();
  }
  SEMBLANCE_ASSIGN_OR_RETURN(segment->finder_, LoadFinder(description, sections, dimension, count, segment->vectors_));
  segment->FinishRows(count);
  if (spec->mapped) {
    segment->file_ = std::move(file);
  }
  return segment;
}

int64_t SealedSegment::Find(uint64_t key) const {
  int64_t begin = 0;
  int64_t end = rows();
  while (begin < end) {
    const int64_t middle = (begin + end) / 2;
    if (keys_[RowByKey(middle)] < key) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  if (begin == rows() || keys_[RowByKey(begin)] != key || deleted_at(RowByKey(begin)) == kNeverVisible) {
    return -1;
  }
  return RowByKey(begin);
}

int64_t SealedSegment::memory_bytes() const {
  return base_memory_bytes() + static_cast<int64_t>(storage_.bytes() + by_key_.bytes()) +
         (finder_ == nullptr ? 0 : finder_->memory_bytes());
}

void SealedSegment::Search(const SegmentQuery& query, TopRows* top) const {
  // This is the share in the newest state. An older state may show more rows.
  double share = static_cast<double>(live_rows()) / static_cast<double>(rows());
  absl::Span<const uint64_t> keys;
  if (query.only != nullptr) {
    keys = query.only->Between(first_key_, last_key_);
    share *= static_cast<double>(keys.size()) / static_cast<double>(rows());
  }
  const int64_t cost_of_all = query.only == nullptr ? rows() : std::min(rows(), static_cast<int64_t>(keys.size()) * kKeyCostInRows);
  if (query.exact || finder_ == nullptr || share <= 0 || finder_->CostInRows(query, share) >= cost_of_all) {
    return SearchAll(query, keys, top);
  }
  const RowFilter filter(this, &query);
  const bool shows_all = deleted_rows() == 0 && last_key_ <= query.sequence && query.only == nullptr;
  std::vector<uint32_t> found;
  if (!finder_->Find(query, share, shows_all ? nullptr : &filter, &found) || found.size() < static_cast<size_t>(query.top_k)) {
    return SearchAll(query, keys, top);
  }
  OfferRows(query, found, top);
}

void SealedSegment::SearchAll(const SegmentQuery& query, absl::Span<const uint64_t> keys, TopRows* top) const {
  if (query.only != nullptr && static_cast<int64_t>(keys.size()) * kKeyCostInRows < rows()) {
    return ScanKeys(query, keys, top);
  }
  Scan(query, top);
}

}  // namespace semblance::index
