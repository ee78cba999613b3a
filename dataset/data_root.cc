#include "dataset/data_root.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace semblance::dataset {
namespace {

namespace fs = std::filesystem;

}  // namespace

absl::StatusOr<DataRoot> DataRoot::Open(const std::string& directory) {
  std::error_code error;
  const fs::path root = fs::canonical(directory, error);
  if (error) {
    return ErrnoError(error.value(), absl::StrCat("cannot open the data root ", directory));
  }
  return DataRoot(root.string());
}

absl::StatusOr<std::string> DataRoot::Resolve(const std::string& path) const {
  if (directory_.empty()) {
    return path;
  }
  std::error_code error;
  const fs::path real = fs::weakly_canonical(path, error).lexically_normal();
  const std::string prefix = directory_ == "/" ? "/" : absl::StrCat(directory_, "/");
  const bool is_inside = real.string() == directory_ || absl::StartsWith(real.string(), prefix);
  if (error || !is_inside) {
    return InvalidField("data.path", v1::ERROR_REASON_PATH_OUTSIDE_ROOT,
                        absl::StrCat("\"", absl::CHexEscape(path),
                                     "\" leads out of the data root: all files of a training job's data "
                                     "must lie below it, also those behind links"));
  }
  return real.string();
}

}  // namespace semblance::dataset
