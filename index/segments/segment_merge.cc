#include "index/segments/segment_merge.h"

#include <algorithm>
#include <limits>
#include <stop_token>
#include <utility>

#include "common/status_macros.h"

namespace semblance::index {
namespace {

// Returns the elements of `all` that are not among `chosen`.
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

SegmentMerge::SegmentMerge(const SegmentList& list, const SegmentedIndexOptions& options, uint64_t sequence)
    : options_(options),
      sequence_(sequence),
      growing_(list.growing.begin(), list.growing.empty() ? list.growing.end() : list.growing.end() - 1) {
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
  // larger.back() is the smallest remaining segment.
  const std::vector<std::shared_ptr<SealedSegment>> larger = Without(list.sealed, sealed_);
  if (empty() || larger.empty() || larger.back()->live_rows() > kMaxExtended * chosen_rows) {
    return;
  }
  uint64_t first_key = std::numeric_limits<uint64_t>::max();
  int64_t added = 0;
  const auto count = [&](const Segment& segment) {
    added += segment.rows();
    for (int64_t row = 0; row < segment.rows(); ++row) {
      first_key = std::min(first_key, segment.key(row));
    }
  };
  std::for_each(sealed_.begin(), sealed_.end(), [&](const auto& segment) { count(*segment); });
  std::for_each(growing_.begin(), growing_.end(), [&](const auto& segment) { count(*segment); });
  if (larger.back()->CanExtend(options_, added, first_key)) {
    base_ = larger.back().get();
    sealed_.push_back(larger.back());
  }
}

void SegmentMerge::CollectInputs(absl::FunctionRef<bool(const Segment&)> wanted) {
  const size_t first = sources_.size();
  const auto collect = [&](const Segment& segment) {
    for (int64_t row = 0; row < segment.rows() && wanted(segment); ++row) {
      if (segment.deleted_at(row) > sequence_) {
        sources_.push_back({&segment, row});
      }
    }
  };
  std::for_each(sealed_.begin(), sealed_.end(), [&](const auto& segment) { collect(*segment); });
  std::for_each(growing_.begin(), growing_.end(), [&](const auto& segment) { collect(*segment); });
  std::sort(sources_.begin() + static_cast<std::ptrdiff_t>(first), sources_.end(),
            [](const Source& a, const Source& b) { return a.segment->key(a.row) < b.segment->key(b.row); });
}

std::vector<IndexAdd> SegmentMerge::RowsFrom(size_t first) const {
  std::vector<IndexAdd> rows;
  rows.reserve(sources_.size() - first);
  for (const Source& source : absl::MakeConstSpan(sources_).subspan(first)) {
    rows.push_back(
        {source.segment->key(source.row), {source.segment->vector(source.row), static_cast<size_t>(options_.dimension)}});
  }
  return rows;
}

absl::Status SegmentMerge::TryToExtend(uint64_t file_number, const std::stop_token& stop) {
  for (int64_t row = 0; row < base_->rows(); ++row) {
    sources_.push_back({base_, row});
  }
  CollectInputs([this](const Segment& segment) { return &segment != base_; });
  SEMBLANCE_ASSIGN_OR_RETURN(output_, base_->Extend(file_number, options_, RowsFrom(static_cast<size_t>(base_->rows())), stop));
  if (output_ == nullptr) {
    sources_.clear();
  }
  return absl::OkStatus();
}

absl::Status SegmentMerge::Build(uint64_t file_number, const std::stop_token& stop) {
  if (base_ != nullptr) {
    SEMBLANCE_RETURN_IF_ERROR(TryToExtend(file_number, stop));
    if (output_ != nullptr) {
      return absl::OkStatus();
    }
  }
  CollectInputs([](const Segment&) { return true; });
  if (sources_.empty()) {
    return absl::OkStatus();
  }
  SEMBLANCE_ASSIGN_OR_RETURN(output_, SealedSegment::Build(file_number, options_, RowsFrom(0), index_rows_, stop));
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

}  // namespace semblance::index
