// Paths that clients name, below a directory that the operator opened to them, and nowhere else.
//
// Thread-safe: functions without state, of the file system as it is at the moment.
#ifndef SEMBLANCE_SERVICE_MODELS_ROOTED_PATH_H_
#define SEMBLANCE_SERVICE_MODELS_ROOTED_PATH_H_

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::service {

// A directory and what messages call it ("the model root").
struct PathRoot {
  // Absolute, links resolved.
  std::string directory;
  std::string name;
};

// Errors: NotFound and other I/O errors; FailedPrecondition where it is no directory.
absl::StatusOr<PathRoot> ResolveRoot(const std::string& directory, absl::string_view name);

// Whether `path` is below the root, and not the root itself, once its links are followed, also where it is not there.
bool LeadsBelow(const PathRoot& root, const std::filesystem::path& path);

// The absolute path, without links and "..", that `path`, relative to the root or absolute, leads to, whether or not it is there.
// Errors: InvalidArgument/PATH_OUTSIDE_ROOT, field "path", when it, or a link on the way, leaves the root (what lies there, if
// anything, is not told); NotFound when it cannot be followed.
absl::StatusOr<std::string> FollowBelow(const PathRoot& root, const std::string& path);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_ROOTED_PATH_H_
