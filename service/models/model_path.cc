#include "service/models/model_path.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "embedder/bundle/bundle.h"
#include "service/models/model_name.h"
#include "service/models/rooted_path.h"

namespace semblance::service {
namespace {

namespace fs = std::filesystem;

constexpr char kRootName[] = "the model root";

absl::Status Outside(absl::string_view what) {
  return InvalidField("path", v1::ERROR_REASON_PATH_OUTSIDE_ROOT, absl::StrCat(what, ": bundles lie below the model root"));
}

absl::Status NoBundle(absl::string_view message) {
  return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_BUNDLE_NOT_FOUND, message);
}

// Refuses links in the directory of a bundle that lead out of the root. ReadBundle refuses links within the root.
absl::Status CheckLinks(const PathRoot& root, const BundlePlace& place) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(place.directory);
  if (absl::IsNotFound(names.status()) || absl::IsFailedPrecondition(names.status())) {
    return NoBundle(absl::StrCat(place.path, " is no directory"));
  }
  SEMBLANCE_RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    const fs::path file = fs::path(place.directory) / name;
    std::error_code error;
    if (!fs::is_symlink(file, error)) {
      continue;
    }
    if (!LeadsBelow(root, file)) {
      return Outside(absl::StrCat(place.path, "/", name, " is a link that leaves the model root"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ResolveModelRoot(const std::string& directory) {
  SEMBLANCE_ASSIGN_OR_RETURN(const PathRoot root, ResolveRoot(directory, kRootName));
  return root.directory;
}

absl::StatusOr<BundlePlace> FindBundle(const std::string& root_directory, const std::string& path) {
  const PathRoot root = {.directory = root_directory, .name = kRootName};
  const absl::StatusOr<std::string> real = FollowBelow(root, path);
  if (absl::IsNotFound(real.status())) {
    return NoBundle(real.status().message());
  }
  SEMBLANCE_RETURN_IF_ERROR(real.status());
  const BundlePlace place = {.path = fs::path(*real).lexically_relative(root.directory).string(), .directory = *real};
  SEMBLANCE_RETURN_IF_ERROR(CheckLinks(root, place));
  if (!PathExists(absl::StrCat(place.directory, "/", embedder::kBundleManifestFile))) {
    return NoBundle(absl::StrCat(place.path, " has no ", embedder::kBundleManifestFile, ": no bundle, or still being copied"));
  }
  return place;
}

std::optional<int> VersionOfPath(absl::string_view path, absl::string_view name) {
  return absl::ConsumePrefix(&path, name) && absl::ConsumePrefix(&path, "/") ? ParseModelVersion(path) : std::nullopt;
}

int GreatestVersionDirectory(const std::string& root, const std::string& name) {
  int greatest = 0;
  const absl::StatusOr<std::vector<std::string>> entries = ListDirectory(absl::StrCat(root, "/", name));
  if (entries.ok()) {  // Otherwise there is no directory that could be registered.
    for (const std::string& entry : *entries) {
      greatest = std::max(greatest, ParseModelVersion(entry).value_or(0));
    }
  }
  return greatest;
}

}  // namespace semblance::service
