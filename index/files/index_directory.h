// The files of an index: the manifest and what it names.
//
// Not thread-safe. Holds the lock of the directory: one process has it open at a time.
//
// A file counts once the manifest names it, and is removed only when the manifest names it no more. What a crash left over is
// removed by Open. When the manifest itself is damaged, every segment and log in the directory counts: rows never change, so a
// stale file can only repeat them.
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
  // Creates the directory where it does not exist. Errors: InvalidArgument (written with another dimension); FailedPrecondition
  // (open elsewhere, or written by a newer version); I/O errors.
  static absl::StatusOr<std::unique_ptr<IndexDirectory>> Open(const std::string& path, int dimension);

  // What was committed last.
  const IndexManifest& manifest() const { return manifest_; }

  std::string SegmentPath(uint64_t number) const;
  std::string LogPath(uint64_t number) const;

  // A number for a new file.
  uint64_t NextNumber() { return manifest_.next_file++; }

  // Makes these files the index, durably, then removes the ones that were and are no more. On error nothing changes.
  absl::Status Commit(std::vector<uint64_t> segments, std::vector<uint64_t> logs);

  // Renames a damaged file to *.corrupt, for somebody to look at; errors are logged.
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
