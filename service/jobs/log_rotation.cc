#include "service/jobs/log_rotation.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

// A missing file is no error.
absl::Status Move(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
    return ErrnoError(errno, absl::StrCat("cannot rename ", from));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RotateLog(const std::string& path, int64_t max_bytes, int keep) {
  const absl::StatusOr<int64_t> size = FileSize(path);
  if (absl::IsNotFound(size.status())) {
    return absl::OkStatus();
  }
  SEMBLANCE_RETURN_IF_ERROR(size.status());
  if (*size <= max_bytes) {
    return absl::OkStatus();
  }
  // The copy must be complete before it replaces any older part.
  const std::string copy = absl::StrCat(path, ".part");
  std::error_code error;
  std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing, error);
  if (error) {
    return ErrnoError(error.value(), absl::StrCat("cannot copy ", path));
  }
  for (int number = keep - 1; number >= 1; --number) {
    SEMBLANCE_RETURN_IF_ERROR(Move(absl::StrCat(path, ".", number), absl::StrCat(path, ".", number + 1)));
  }
  SEMBLANCE_RETURN_IF_ERROR(Move(copy, absl::StrCat(path, ".1")));
  if (::truncate(path.c_str(), 0) != 0) {
    return ErrnoError(errno, absl::StrCat("cannot truncate ", path));
  }
  return absl::OkStatus();
}

}  // namespace semblance::service
