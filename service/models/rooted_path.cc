#include "service/models/rooted_path.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace semblance::service {
namespace {

namespace fs = std::filesystem;

// Linux follows as many links in one path.
constexpr int kMaxDanglingLinks = 40;

absl::Status Outside(const PathRoot& root, absl::string_view what) {
  return InvalidField("path", v1::ERROR_REASON_PATH_OUTSIDE_ROOT, absl::StrCat(what, ": it must lie below ", root.name));
}

// Compares two absolute paths without "..".
bool LiesBelow(const fs::path& root, const fs::path& path) {
  const std::string prefix = root == root.root_path() ? root.string() : absl::StrCat(root.string(), "/");
  return absl::StartsWith(path.string(), prefix) && path.string().size() > prefix.size();
}

// Removes the "/" at the end that lexically_normal keeps.
fs::path Normalized(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

// Returns the path without links. The path, and the targets of links on the way, need not exist, so the result does not depend
// on files outside of the root.
fs::path Follow(fs::path path, std::error_code& error) {
  for (int i = 0; i < kMaxDanglingLinks; ++i) {
    path = Normalized(fs::weakly_canonical(path, error));
    if (error) {
      return path;
    }
    fs::path link = path;
    std::error_code ignored;  // Errors mean that a part does not exist.
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

}  // namespace

absl::StatusOr<PathRoot> ResolveRoot(const std::string& directory, absl::string_view name) {
  std::error_code error;
  const fs::path root = fs::canonical(directory, error);
  if (error) {
    return ErrnoError(error.value(), absl::StrCat("cannot open ", name, " ", directory));
  }
  if (!fs::is_directory(root, error)) {
    return ErrnoError(ENOTDIR, absl::StrCat("cannot open ", name, " ", directory));
  }
  return PathRoot{.directory = root.string(), .name = std::string(name)};
}

bool LeadsBelow(const PathRoot& root, const fs::path& path) {
  std::error_code error;
  const fs::path target = Follow(path, error);
  return !error && LiesBelow(root.directory, target);
}

absl::StatusOr<std::string> FollowBelow(const PathRoot& root, const std::string& path) {
  if (absl::StrContains(path, '\0')) {
    return Outside(root, "the path has a NUL byte");
  }
  const fs::path full = fs::path(root.directory) / path;
  const bool is_below_by_text = LiesBelow(root.directory, Normalized(full));
  // An absolute path may contain links in the root. A relative one must not leave the root, even if it returns.
  if (fs::path(path).is_relative() && (!is_below_by_text || *fs::path(path).lexically_normal().begin() == "..")) {
    return Outside(root, absl::StrCat("\"", path, "\" leaves ", root.name, ", or is the root itself"));
  }
  std::error_code error;
  const fs::path real = Follow(full, error);
  if (error && is_below_by_text) {
    return absl::NotFoundError(absl::StrCat("\"", path, "\" cannot be followed: ", error.message()));
  }
  if (error || !LiesBelow(root.directory, real)) {
    return Outside(root, absl::StrCat("\"", path, "\" leaves ", root.name));
  }
  return real.string();
}

}  // namespace semblance::service
