// The directory of an index: the manifest and the files that it names.
//
// Not thread-safe. Holds a lock on the directory, so that one process has it open at a time.
//
// A file is part of the index while the manifest names it, and is removed only when the manifest no longer names it. Open removes
// files that a crash left behind. When the manifest itself is damaged, every segment and log in the directory is taken as part of
// the index: rows never change, so a stale file can only repeat them.
#ifndef SEMBLANCE_INDEX_FILES_INDEX_DIRECTORY_H_
#define SEMBLANCE_INDEX_FILES_INDEX_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/file.h"
#include "index/files/index_manifest.h"

namespace semblance::index {

class IndexDirectory {
 public:
  // Creates the directory if it does not exist. Errors: InvalidArgument (written with another dimension); FailedPrecondition (open
  // elsewhere, or written by a newer version); I/O errors.
  static absl::StatusOr<std::unique_ptr<IndexDirectory>> Open(const std::string& path, int dimension);

  // Returns what was committed last.
  const IndexManifest& manifest() const { return manifest_; }

  std::string SegmentPath(uint64_t number) const;
  std::string LogPath(uint64_t number) const;

  // Returns a number for a new file.
  uint64_t NextNumber() { return manifest_.next_file++; }

  // Makes these files the index, durably. Then removes files that were part of it and no longer are. On error nothing changes.
  absl::Status Commit(std::vector<uint64_t> segments, std::vector<uint64_t> logs);

  // Renames a damaged file to *.corrupt, so that somebody can inspect it. Errors are logged.
  static void SetAside(const std::string& path);

 private:
  IndexDirectory(std::string path, std::unique_ptr<FileLock> lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string ManifestPath() const { return path_ + "/MANIFEST"; }
  absl::Status LoadManifest(int dimension);
  absl::Status AdoptFiles(int dimension);
  absl::Status RemoveLeftovers() const;

  const std::string path_;
  const std::unique_ptr<FileLock> lock_;
  IndexManifest manifest_;
};

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FILES_INDEX_DIRECTORY_H_
