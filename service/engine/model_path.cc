#include "service/engine/model_path.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "embedder/bundle.h"
#include "service/engine/model_name.h"

namespace semblance {
namespace {

namespace fs = std::filesystem;

// As many as Linux follows in one path.
constexpr int kMaxDanglingLinks = 40;

absl::Status Outside(absl::string_view what) {
  return InvalidField("path", "PATH_OUTSIDE_ROOT", absl::StrCat(what, ": bundles lie below the model root"));
}

absl::Status NoBundle(absl::string_view message) {
  return Error(absl::StatusCode::kNotFound, "BUNDLE_NOT_FOUND", message);
}

// Of two absolute paths without "..".
bool LiesBelow(const fs::path& root, const fs::path& path) {
  const std::string prefix = root == root.root_path() ? root.string() : absl::StrCat(root.string(), "/");
  return absl::StartsWith(path.string(), prefix) && path.string().size() > prefix.size();
}

// Without the "/" at the end that lexically_normal keeps.
fs::path Normalized(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

// The path without links, also where it, or what a link on the way points to, is not there: so whether something exists outside
// of the root makes no difference.
fs::path Follow(fs::path path, std::error_code& error) {
  for (int i = 0; i < kMaxDanglingLinks; ++i) {
    path = Normalized(fs::weakly_canonical(path, error));
    if (error) {
      return path;
    }
    fs::path link = path;
    std::error_code ignored;  // Of the parts that are not there.
    while (link.has_relative_path() && !fs::is_symlink(link, ignored)) {
      link = link.parent_path();
    }
    if (!link.has_relative_path()) {
      return path;
    }
    const fs::path target = fs::read_symlink(link, error);
    path = link.parent_path() / target / path.lexically_relative(link);
  }
  error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
  return path;
}

// Links of a bundle's directory that lead out of the root. Those within the root are left to ReadBundle, which refuses them too.
absl::Status CheckLinks(const std::string& root, const BundlePlace& place) {
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
    const fs::path target = Follow(file, error);
    if (error || !LiesBelow(root, target)) {
      return Outside(absl::StrCat(place.path, "/", name, " is a link that leaves the model root"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ResolveModelRoot(const std::string& directory) {
  std::error_code error;
  const fs::path root = fs::canonical(directory, error);
  if (error) {
    return ErrnoError(error.value(), absl::StrCat("cannot open the model root ", directory));
  }
  if (!fs::is_directory(root, error)) {
    return ErrnoError(ENOTDIR, absl::StrCat("cannot open the model root ", directory));
  }
  return root.string();
}

absl::StatusOr<BundlePlace> FindBundle(const std::string& root, const std::string& path) {
  if (absl::StrContains(path, '\0')) {
    return Outside("the path has a NUL byte");
  }
  const fs::path full = fs::path(root) / path;
  const bool is_below_by_text = LiesBelow(root, Normalized(full));
  // An absolute path may spell the root with links; a relative one must not leave it even to come back.
  if (fs::path(path).is_relative() && (!is_below_by_text || *fs::path(path).lexically_normal().begin() == "..")) {
    return Outside(absl::StrCat("\"", path, "\" leaves the model root, or is the root itself"));
  }
  std::error_code error;
  const fs::path real = Follow(full, error);
  if (error && is_below_by_text) {
    return NoBundle(absl::StrCat("\"", path, "\" cannot be followed: ", error.message()));
  }
  if (error || !LiesBelow(root, real)) {
    return Outside(absl::StrCat("\"", path, "\" leaves the model root"));
  }
  const BundlePlace place = {.path = real.lexically_relative(root).string(), .directory = real.string()};
  SEMBLANCE_RETURN_IF_ERROR(CheckLinks(root, place));
  if (!PathExists(absl::StrCat(place.directory, "/", kBundleManifestFile))) {
    return NoBundle(absl::StrCat(place.path, " has no ", kBundleManifestFile, ": no bundle, or still being copied"));
  }
  return place;
}

std::optional<int> VersionOfPath(absl::string_view path, absl::string_view name) {
  return absl::ConsumePrefix(&path, name) && absl::ConsumePrefix(&path, "/") ? ParseModelVersion(path) : std::nullopt;
}

int GreatestVersionDirectory(const std::string& root, const std::string& name) {
  int greatest = 0;
  const absl::StatusOr<std::vector<std::string>> entries = ListDirectory(absl::StrCat(root, "/", name));
  if (entries.ok()) {  // Else there is no such directory, or none that could be registered.
    for (const std::string& entry : *entries) {
      greatest = std::max(greatest, ParseModelVersion(entry).value_or(0));
    }
  }
  return greatest;
}

}  // namespace semblance
