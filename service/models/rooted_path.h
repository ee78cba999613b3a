// Resolves paths that clients name, below a directory that the operator opened to them, and nowhere else.
//
// Thread-safe: functions without state. They read the present state of the file system.
#ifndef SEMBLANCE_SERVICE_MODELS_ROOTED_PATH_H_
#define SEMBLANCE_SERVICE_MODELS_ROOTED_PATH_H_

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::service {

// A directory, and its name in messages ("the model root").
struct PathRoot {
  // The absolute path with links resolved.
  std::string directory;
  std::string name;
};

// Errors: NotFound and other I/O errors; FailedPrecondition if the path is no directory.
absl::StatusOr<PathRoot> ResolveRoot(const std::string& directory, absl::string_view name);

// Returns true if `path`, with links followed, is below the root and not the root itself. The path need not exist.
bool LeadsBelow(const PathRoot& root, const std::filesystem::path& path);

// Returns the absolute path, without links and "..", to which `path` leads. `path` is relative to the root or absolute, and
// need not exist. Errors: InvalidArgument/PATH_OUTSIDE_ROOT, field "path", if the path or a link on the way leaves the root
// (the message does not tell what is there); NotFound if it cannot be followed.
absl::StatusOr<std::string> FollowBelow(const PathRoot& root, const std::string& path);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_ROOTED_PATH_H_
