// Finds bundles below the model root, and nowhere else.
//
// Thread-safe: functions without state. They read the present state of the file system.
#ifndef SEMBLANCE_SERVICE_MODELS_MODEL_PATH_H_
#define SEMBLANCE_SERVICE_MODELS_MODEL_PATH_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::service {

// A directory below the model root that contains a manifest.
struct BundlePlace {
  // The path relative to the root, without links and "..".
  std::string path;
  // The absolute path.
  std::string directory;
};

// Returns the absolute path of an existing directory with links resolved, as FindBundle needs it for a root. Errors: NotFound
// and other I/O errors.
absl::StatusOr<std::string> ResolveModelRoot(const std::string& directory);

// Follows `path`, which is relative to `root` or absolute. Errors: InvalidArgument/PATH_OUTSIDE_ROOT, field "path", if the
// path, or a link on the way or in the directory itself, leaves the root (the message does not tell what is there);
// NotFound/BUNDLE_NOT_FOUND if there is no manifest; I/O errors.
absl::StatusOr<BundlePlace> FindBundle(const std::string& root, const std::string& path);

// Returns the version in the path of a directory, relative to the root: 3 for "shoes/3" if `name` is "shoes". Returns nullopt
// for any other path.
std::optional<int> VersionOfPath(absl::string_view path, absl::string_view name);

// Returns the greatest version that a directory <root>/<name>/<version> claims, or 0 if there is none.
int GreatestVersionDirectory(const std::string& root, const std::string& name);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_PATH_H_
