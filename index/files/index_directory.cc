#include "index/files/index_directory.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance::index {
namespace {

constexpr absl::string_view kSegmentSuffix = ".segment";
constexpr absl::string_view kLogSuffix = ".log";

std::string FileName(uint64_t number, absl::string_view suffix) {
  return absl::StrFormat("%06d%s", number, suffix);
}

// Returns the number in the name of a file of the index; nullopt when the name is another one, or does not end in `suffix`.
std::optional<uint64_t> NumberOf(absl::string_view name, absl::string_view suffix) {
  uint64_t number = 0;
  if (!absl::ConsumeSuffix(&name, suffix) || !absl::SimpleAtoi(name, &number) || number == 0) {
    return std::nullopt;
  }
  return number;
}

bool Contains(const std::vector<uint64_t>& numbers, uint64_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

bool IsLeftover(const std::string& name, const IndexManifest& manifest) {
  const std::optional<uint64_t> segment = NumberOf(name, kSegmentSuffix);
  const std::optional<uint64_t> log = NumberOf(name, kLogSuffix);
  return (segment && !Contains(manifest.segments, *segment)) || (log && !Contains(manifest.logs, *log)) ||
         absl::StrContains(name, ".tmp.");
}

// Removal is best effort: the next Open removes what remains.
void RemoveFile(const std::string& path) {
  const absl::Status status = RemoveAll(path);
  LOG_IF(WARNING, !status.ok()) << status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<IndexDirectory>> IndexDirectory::Open(const std::string& path, int dimension) {
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(path));
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, FileLock::Acquire(path + "/LOCK"));
  std::unique_ptr<IndexDirectory> directory(new IndexDirectory(path, std::move(lock)));
  SEMBLANCE_RETURN_IF_ERROR(directory->LoadManifest(dimension));
  SEMBLANCE_RETURN_IF_ERROR(directory->RemoveLeftovers());
  return directory;
}

std::string IndexDirectory::SegmentPath(uint64_t number) const {
  return absl::StrCat(path_, "/", FileName(number, kSegmentSuffix));
}

std::string IndexDirectory::LogPath(uint64_t number) const {
  return absl::StrCat(path_, "/", FileName(number, kLogSuffix));
}

absl::Status IndexDirectory::LoadManifest(int dimension) {
  const absl::StatusOr<std::string> bytes = ReadFile(ManifestPath());
  if (absl::IsNotFound(bytes.status())) {
    return AdoptFiles(dimension);
  }
  SEMBLANCE_RETURN_IF_ERROR(bytes.status());
  const absl::StatusOr<IndexManifest> manifest = DecodeIndexManifest(*bytes);
  if (absl::IsDataLoss(manifest.status())) {
    LOG(ERROR) << path_ << ": " << manifest.status() << "; using every file in the directory";
    SetAside(ManifestPath());
    return AdoptFiles(dimension);
  }
  SEMBLANCE_RETURN_IF_ERROR(manifest.status());
  if (manifest->dimension != dimension) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, " holds vectors of dimension ", manifest->dimension, ", not ", dimension));
  }
  manifest_ = *manifest;
  return absl::OkStatus();
}

absl::Status IndexDirectory::AdoptFiles(int dimension) {
  manifest_ = {};
  manifest_.dimension = dimension;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(path_));
  for (const std::string& name : names) {
    if (const auto segment = NumberOf(name, kSegmentSuffix)) {
      manifest_.segments.push_back(*segment);
      manifest_.next_file = std::max(manifest_.next_file, *segment + 1);
    } else if (const auto log = NumberOf(name, kLogSuffix)) {
      manifest_.logs.push_back(*log);
      manifest_.next_file = std::max(manifest_.next_file, *log + 1);
    }
  }
  return absl::OkStatus();
}

absl::Status IndexDirectory::RemoveLeftovers() const {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(path_));
  for (const std::string& name : names) {
    if (IsLeftover(name, manifest_)) {
      RemoveFile(absl::StrCat(path_, "/", name));
    }
  }
  return absl::OkStatus();
}

absl::Status IndexDirectory::Commit(std::vector<uint64_t> segments, std::vector<uint64_t> logs) {
  IndexManifest next = manifest_;
  next.segments = std::move(segments);
  next.logs = std::move(logs);
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(ManifestPath(), EncodeIndexManifest(next)));
  std::swap(next, manifest_);
  for (const uint64_t number : next.segments) {
    if (!Contains(manifest_.segments, number)) {
      RemoveFile(SegmentPath(number));
    }
  }
  for (const uint64_t number : next.logs) {
    if (!Contains(manifest_.logs, number)) {
      RemoveFile(LogPath(number));
    }
  }
  return absl::OkStatus();
}

void IndexDirectory::SetAside(const std::string& path) {
  const absl::Status status = RenameDurably(path, path + ".corrupt");
  LOG_IF(ERROR, !status.ok()) << status;
}

}  // namespace semblance::index
