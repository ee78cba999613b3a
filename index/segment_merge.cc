#include "index/segment_merge.h"

#include <algorithm>
#include <utility>

#include "common/status_macros.h"

namespace semblance {
namespace {

// Those of `all` that are not among `chosen`.
template <typename T>
std::vector<T> Without(const std::vector<T>& all, const std::vector<T>& chosen) {
  std::vector<T> rest;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rest),
               [&](const T& one) { return std::find(chosen.begin(), chosen.end(), one) == chosen.end(); });
  return rest;
}

}  // namespace

bool MostlyDeleted(const Segment& segment) {
  return segment.deleted_rows() > segment.live_rows();
}

SegmentMerge::SegmentMerge(const SegmentList& list, uint64_t sequence)
    : sequence_(sequence), growing_(list.growing.begin(), list.growing.empty() ? list.growing.end() : list.growing.end() - 1) {
  list.ForEach([this](const Segment* segment) { index_rows_ += segment->live_rows(); });
  int64_t chosen_rows = 0;
  for (const auto& segment : growing_) {
    chosen_rows += segment->live_rows();
  }
  ChooseSealed(list, chosen_rows);
}

void SegmentMerge::ChooseSealed(const SegmentList& list, int64_t chosen_rows) {
  for (const auto& segment : list.sealed) {
    if (MostlyDeleted(*segment)) {
      sealed_.push_back(segment);
      chosen_rows += segment->live_rows();
    }
  }
  const std::vector<std::shared_ptr<SealedSegment>> others = Without(list.sealed, sealed_);
  for (auto segment = others.rbegin(); segment != others.rend() && (*segment)->live_rows() <= chosen_rows; ++segment) {
    sealed_.push_back(*segment);
    chosen_rows += (*segment)->live_rows();
  }
}

void SegmentMerge::CollectRows(const Segment& segment) {
  for (int64_t row = 0; row < segment.rows(); ++row) {
    if (segment.deleted_at(row) > sequence_) {
      sources_.push_back({&segment, row});
    }
  }
}

absl::Status SegmentMerge::Build(uint64_t file_number, const SegmentedIndexOptions& options, const std::atomic<bool>& stop) {
  for (const auto& segment : sealed_) {
    CollectRows(*segment);
  }
  for (const auto& segment : growing_) {
    CollectRows(*segment);
  }
  if (sources_.empty()) {
    return absl::OkStatus();
  }
  const auto key = [](const Source& source) { return source.segment->key(source.row); };
  std::sort(sources_.begin(), sources_.end(), [&](const Source& a, const Source& b) { return key(a) < key(b); });
  std::vector<IndexAdd> rows;
  rows.reserve(sources_.size());
  for (const Source& source : sources_) {
    rows.push_back({key(source), {source.segment->vector(source.row), static_cast<size_t>(options.dimension)}});
  }
  SEMBLANCE_ASSIGN_OR_RETURN(output_, SealedSegment::Build(file_number, options, rows, index_rows_, stop));
  return absl::OkStatus();
}

absl::Status SegmentMerge::Write(const std::string& path) {
  if (output_ == nullptr) {
    return absl::OkStatus();
  }
  SEMBLANCE_RETURN_IF_ERROR(output_->Write(path));
  if (output_->wants_mapping()) {
    SEMBLANCE_ASSIGN_OR_RETURN(output_, SealedSegment::Open(output_->file_number(), output_->dimension(), path));
  }
  return absl::OkStatus();
}

std::shared_ptr<const SegmentList> SegmentMerge::Publish(const SegmentList& list) const {
  auto next = std::make_shared<SegmentList>();
  next->sealed = Without(list.sealed, sealed_);
  next->growing = Without(list.growing, growing_);
  next->oldest_sequence = std::max(list.oldest_sequence, sequence_);
  if (output_ == nullptr) {
    return next;
  }
  for (const Source& source : sources_) {
    if (const uint64_t at = source.segment->deleted_at(source.row); at != kNeverDeleted) {
      output_->Delete(output_->Find(source.segment->key(source.row)), at);
    }
  }
  const auto place = std::find_if(next->sealed.begin(), next->sealed.end(),
                                  [&](const auto& segment) { return segment->rows() < output_->rows(); });
  next->sealed.insert(place, output_);
  return next;
}

}  // namespace semblance
