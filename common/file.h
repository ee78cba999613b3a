// Files that survive crashes: whole-file reads, atomic replacement and an append-only log file.
//
// Thread-safe, because the functions have no state. AppendFile is not thread-safe.
//
// Errors: NotFound, AlreadyExists, PermissionDenied, ResourceExhausted (disk full) or Unavailable, with the path and the system's
// words. "Durable" means flushed to stable storage (fsync), the directory entry included.
#ifndef SEMBLANCE_COMMON_FILE_H_
#define SEMBLANCE_COMMON_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace semblance {

absl::StatusOr<std::string> ReadFile(const std::string& path);

// Returns the size of a regular file in bytes.
absl::StatusOr<int64_t> FileSize(const std::string& path);

bool PathExists(const std::string& path);

// Replaces `path` durably and atomically: a reader or a crash sees the old content or the new one, never a part. Leaves no
// temporary file behind on error.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view content);
// Writes the parts one after another.
absl::Status WriteFileAtomically(const std::string& path, absl::Span<const absl::string_view> parts);

// Creates the directory and its parents. An existing directory is no error.
absl::Status CreateDirectories(const std::string& path);

// Makes the entries of a directory durable. Call it after a file in it was created, renamed or removed.
absl::Status SyncDirectory(const std::string& path);

// Renames durably. Both paths must be on one file system.
absl::Status RenameDurably(const std::string& from, const std::string& to);

// Removes a file or a tree. A path that does not exist is no error.
absl::Status RemoveAll(const std::string& path);

// Returns the sorted names (not paths) of the entries of a directory.
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path);

// Maps a file into memory: the system reads pages when they are touched, and may drop them again. The file may be removed or
// replaced meanwhile, but must not be truncated.
class MappedFile {
 public:
  static absl::StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // The bytes start at the beginning of a page.
  absl::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(absl::string_view bytes) : bytes_(bytes) {}

  const absl::string_view bytes_;
};

// A file that only grows at its end. Not thread-safe.
class AppendFile {
 public:
  // Opens or creates the file. Writing begins at its end.
  static absl::StatusOr<std::unique_ptr<AppendFile>> Open(const std::string& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // Hands all bytes to the operating system. They survive the end of the process, but not a power cut. After an error a part of the
  // data may have been written.
  absl::Status Append(absl::string_view data);

  // Makes the appended data durable.
  absl::Status Sync();

 private:
  AppendFile(std::string path, int descriptor);

  const std::string path_;
  const int descriptor_;
};

// An exclusive lock on a file, held until destruction or the end of the process. The file says who held it last. Errors:
// FailedPrecondition, naming the process and its host, when another holds it.
class FileLock {
 public:
  static absl::StatusOr<std::unique_ptr<FileLock>> Acquire(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int descriptor);

  const int descriptor_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_FILE_H_
