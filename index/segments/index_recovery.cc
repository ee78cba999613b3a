#include "index/segments/index_recovery.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "index/files/vector_log.h"

namespace semblance::index {
namespace {

// The live keys. Each of them belongs to the first row that claims it.
class LiveKeys {
 public:
  explicit LiveKeys(absl::Span<const uint64_t> keys) : keys_(keys), claimed_(keys.size(), false) {}

  bool Claim(uint64_t key) {
    const auto found = std::lower_bound(keys_.begin(), keys_.end(), key);
    if (found == keys_.end() || *found != key || claimed_[found - keys_.begin()]) {
      return false;
    }
    claimed_[found - keys_.begin()] = true;
    return true;
  }

  std::vector<uint64_t> Unclaimed() const {
    std::vector<uint64_t> keys;
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (!claimed_[i]) {
        keys.push_back(keys_[i]);
      }
    }
    return keys;
  }

 private:
  const absl::Span<const uint64_t> keys_;
  std::vector<bool> claimed_;
};

// Returns OK for an error that only loses rows, because the caller adds these again.
absl::Status Tolerate(const absl::Status& status, const std::string& path) {
  if (absl::IsDataLoss(status)) {
    LOG(ERROR) << path << " is damaged and set aside: " << status.message();
    IndexDirectory::SetAside(path);
    return absl::OkStatus();
  }
  if (absl::IsNotFound(status)) {
    LOG(ERROR) << path << " is missing";
    return absl::OkStatus();
  }
  return status;
}

class Recovery {
 public:
  Recovery(const IndexDirectory& directory, absl::Span<const uint64_t> live_keys) : directory_(directory), live_(live_keys) {}

  absl::StatusOr<RecoveredIndex> Run() {
    // The newest file comes first, because its row of a key counts.
    std::map<uint64_t, bool, std::greater<>> is_segment;
    for (const uint64_t number : directory_.manifest().segments) {
      is_segment[number] = true;
    }
    for (const uint64_t number : directory_.manifest().logs) {
      is_segment[number] = false;
    }
    for (const auto& [number, segment] : is_segment) {
      const std::string path = segment ? directory_.SegmentPath(number) : directory_.LogPath(number);
      SEMBLANCE_RETURN_IF_ERROR(Tolerate(segment ? ReadSegment(number, path) : ReadLog(path), path));
    }
    std::sort(recovered_.sealed.begin(), recovered_.sealed.end(),
              [](const auto& a, const auto& b) { return a->rows() > b->rows(); });
    CollectLogRows();
    recovered_.missing_keys = live_.Unclaimed();
    return std::move(recovered_);
  }

 private:
  absl::Status ReadSegment(uint64_t number, const std::string& path) {
    SEMBLANCE_ASSIGN_OR_RETURN(std::shared_ptr<SealedSegment> segment,
                               SealedSegment::Open(number, directory_.manifest().dimension, path));
    for (int64_t row = 0; row < segment->rows(); ++row) {
      if (!live_.Claim(segment->key(row))) {
        segment->Delete(row, kNeverVisible);
      }
    }
    if (segment->live_rows() > 0) {
      recovered_.sealed.push_back(std::move(segment));
    }
    return absl::OkStatus();
  }

  absl::Status ReadLog(const std::string& path) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    SEMBLANCE_ASSIGN_OR_RETURN(VectorLog log, DecodeVectorLog(bytes, directory_.manifest().dimension));
    LOG_IF(ERROR, log.damaged_records > 0) << path << ": " << log.damaged_records << " damaged records are dropped";
    // Reads backwards, because a step that failed and was tried again wrote its keys twice. The last record counts.
    for (size_t row = log.keys.size(); row-- > 0;) {
      if (live_.Claim(log.keys[row])) {
        log_rows_[log.keys[row]] = {logs_.size(), row};
      }
    }
    logs_.push_back(std::move(log));
    return absl::OkStatus();
  }

  void CollectLogRows() {
    const size_t dimension = directory_.manifest().dimension;
    for (const auto& [key, place] : log_rows_) {
      const auto& [log, row] = place;
      const float* vector = &logs_[log].vectors[row * dimension];
      recovered_.log_keys.push_back(key);
      recovered_.log_vectors.insert(recovered_.log_vectors.end(), vector, vector + dimension);
    }
  }

  const IndexDirectory& directory_;
  LiveKeys live_;
  std::vector<VectorLog> logs_;
  // For each key, the log and the row in it.
  std::map<uint64_t, std::pair<size_t, size_t>> log_rows_;
  RecoveredIndex recovered_;
};

}  // namespace

absl::StatusOr<RecoveredIndex> RecoverIndex(const IndexDirectory& directory, absl::Span<const uint64_t> live_keys) {
  return Recovery(directory, live_keys).Run();
}

}  // namespace semblance::index
