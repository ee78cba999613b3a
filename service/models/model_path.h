// Where bundles lie: below the model root, and nowhere else.
//
// Thread-safe: functions without state, of the file system as it is at the moment.
#ifndef SEMBLANCE_SERVICE_MODELS_MODEL_PATH_H_
#define SEMBLANCE_SERVICE_MODELS_MODEL_PATH_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::service {

// A directory below the model root that has a manifest.
struct BundlePlace {
  // Relative to the root, without links and "..".
  std::string path;
  // Absolute.
  std::string directory;
};

// The absolute path of an existing directory, links resolved: what FindBundle takes as a root. Errors: NotFound and other I/O
// errors.
absl::StatusOr<std::string> ResolveModelRoot(const std::string& directory);

// Follows `path`, relative to `root` or absolute. Errors: InvalidArgument/PATH_OUTSIDE_ROOT, field "path", when it, or a link on
// the way or in the directory itself, leaves the root (what lies there, if anything, is not told); NotFound/BUNDLE_NOT_FOUND when
// there is no manifest; I/O errors.
absl::StatusOr<BundlePlace> FindBundle(const std::string& root, const std::string& path);

// The version that a directory's path (relative to the root) says: 3 for "shoes/3" when `name` is "shoes"; nullopt for any other.
std::optional<int> VersionOfPath(absl::string_view path, absl::string_view name);

// The greatest version that a directory <root>/<name>/<version> claims; 0 where there is none.
int GreatestVersionDirectory(const std::string& root, const std::string& name);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_PATH_H_
