#include "common/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance {
namespace {

constexpr mode_t kFileMode = 0644;

absl::Status WriteAll(int descriptor, absl::string_view data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t written = ::write(descriptor, data.data(), data.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return ErrnoError(errno, absl::StrCat("cannot write ", path));
    }
    data.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

std::string ThisProcess() {
  char host[256] = "";
  if (::gethostname(host, sizeof(host) - 1) != 0) {
    host[0] = '\0';
  }
  return absl::StrCat("process ", ::getpid(), " on ", host, "\n");
}

// Says in words who holds the lock. The file may have been created just now.
std::string HolderOf(const std::string& lock_path) {
  const absl::StatusOr<std::string> holder = ReadFile(lock_path);
  return holder.ok() && !holder->empty() ? std::string(absl::StripAsciiWhitespace(*holder)) : "another process";
}

absl::Status SyncDescriptor(int descriptor, const std::string& path) {
  return ::fsync(descriptor) == 0 ? absl::OkStatus() : ErrnoError(errno, absl::StrCat("cannot sync ", path));
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

absl::Status WriteNewFile(const std::string& path, absl::Span<const absl::string_view> parts) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (descriptor < 0) {
    return ErrnoError(errno, absl::StrCat("cannot create ", path));
  }
  const absl::Cleanup close = [descriptor] { ::close(descriptor); };
  for (const absl::string_view part : parts) {
    SEMBLANCE_RETURN_IF_ERROR(WriteAll(descriptor, part, path));
  }
  return SyncDescriptor(descriptor, path);
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return ErrnoError(errno, absl::StrCat("cannot open ", path));
  }
  const absl::Cleanup close = [descriptor] { ::close(descriptor); };
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) {
    return ErrnoError(errno, absl::StrCat("cannot stat ", path));
  }
  std::string content(static_cast<size_t>(std::max<off_t>(info.st_size, 0)), '\0');
  size_t filled = 0;
  while (true) {
    if (filled == content.size()) {
      content.resize(content.size() + 4096);  // The file grew, or it reports no size (/proc).
    }
    const ssize_t count = ::read(descriptor, content.data() + filled, content.size() - filled);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return ErrnoError(errno, absl::StrCat("cannot read ", path));
    }
    if (count == 0) {
      break;
    }
    filled += static_cast<size_t>(count);
  }
  content.resize(filled);
  return content;
}

absl::StatusOr<int64_t> FileSize(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return ErrnoError(errno, absl::StrCat("cannot stat ", path));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a regular file"));
  }
  return static_cast<int64_t>(info.st_size);
}

bool PathExists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view content) {
  return WriteFileAtomically(path, {&content, 1});
}

absl::Status WriteFileAtomically(const std::string& path, absl::Span<const absl::string_view> parts) {
  const std::string temporary = absl::StrCat(path, ".tmp.", ::gettid());  // Each thread has its own, so writers do not share one.
  absl::Status status = WriteNewFile(temporary, parts);
  if (status.ok()) {
    status = RenameDurably(temporary, path);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());  // Errors are ignored: the first error is the one that matters.
  }
  return status;
}

absl::StatusOr<std::unique_ptr<MappedFile>> MappedFile::Open(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t size, FileSize(path));
  if (size == 0) {
    return std::unique_ptr<MappedFile>(new MappedFile({}));
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return ErrnoError(errno, absl::StrCat("cannot open ", path));
  }
  const absl::Cleanup close = [descriptor] { ::close(descriptor); };
  void* const memory = ::mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (memory == MAP_FAILED) {
    return ErrnoError(errno, absl::StrCat("cannot map ", path));
  }
  return std::unique_ptr<MappedFile>(new MappedFile({static_cast<const char*>(memory), static_cast<size_t>(size)}));
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
}

absl::Status CreateDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? ErrnoError(error.value(), absl::StrCat("cannot create directory ", path)) : absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return ErrnoError(errno, absl::StrCat("cannot open directory ", path));
  }
  const absl::Cleanup close = [descriptor] { ::close(descriptor); };
  return SyncDescriptor(descriptor, path);
}

absl::Status RenameDurably(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return ErrnoError(errno, absl::StrCat("cannot rename ", from, " to ", to));
  }
  return SyncDirectory(ParentOf(to));
}

absl::Status RemoveAll(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? ErrnoError(error.value(), absl::StrCat("cannot remove ", path)) : absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  std::vector<std::string> names;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) {
    return ErrnoError(error.value(), absl::StrCat("cannot list ", path));
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::unique_ptr<AppendFile>> AppendFile::Open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kFileMode);
  if (descriptor < 0) {
    return ErrnoError(errno, absl::StrCat("cannot open ", path));
  }
  return std::unique_ptr<AppendFile>(new AppendFile(path, descriptor));
}

AppendFile::AppendFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

AppendFile::~AppendFile() {
  ::close(descriptor_);
}

absl::Status AppendFile::Append(absl::string_view data) {
  return WriteAll(descriptor_, data, path_);
}

absl::Status AppendFile::Sync() {
  return SyncDescriptor(descriptor_, path_);
}

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Acquire(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (descriptor < 0) {
    return ErrnoError(errno, absl::StrCat("cannot open ", path));
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int error_number = errno;
    ::close(descriptor);
    if (error_number == EWOULDBLOCK) {
      return absl::FailedPreconditionError(absl::StrCat(path, " is locked by ", HolderOf(path)));
    }
    return ErrnoError(error_number, absl::StrCat("cannot lock ", path));
  }
  const std::string holder = ThisProcess();
  // The lock holds even if the name of its holder cannot be written.
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, holder.data(), holder.size(), 0) < 0) {
    LOG(WARNING) << ErrnoError(errno, absl::StrCat("cannot write ", path));
  }
  return std::unique_ptr<FileLock>(new FileLock(descriptor));
}

FileLock::FileLock(int descriptor) : descriptor_(descriptor) {}

FileLock::~FileLock() {
  ::close(descriptor_);
}

}  // namespace semblance
