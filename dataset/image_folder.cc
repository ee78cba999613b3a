// A data set with one directory per class.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "dataset/file_dataset.h"

namespace semblance::dataset {
namespace {

namespace fs = std::filesystem;

bool IsHidden(const fs::path& path) {
  return path.filename().string().front() == '.';
}

bool HasImageEnding(const fs::path& path) {
  const std::string ending = absl::AsciiStrToLower(path.extension().string());
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png" || ending == ".webp";
}

// Returns the paths of the images below `root`, relative to it and in byte order.
absl::StatusOr<std::vector<std::string>> ListImages(const fs::path& root) {
  std::vector<std::string> paths;
  std::error_code error;
  fs::recursive_directory_iterator entry(root, fs::directory_options::follow_directory_symlink, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const bool is_directory = entry->is_directory(error);
    if (is_directory && IsHidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (!is_directory && !IsHidden(entry->path()) && HasImageEnding(entry->path())) {
      paths.push_back(entry->path().lexically_relative(root).generic_string());
    }
  }
  if (error) {
    return ErrnoError(error.value(), absl::StrCat("listing ", root.string()));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Cuts the first directory off a path and returns it; returns nothing when there is none.
std::string TakeDirectory(absl::string_view* path) {
  const size_t slash = path->find('/');
  if (slash == absl::string_view::npos) {
    return "";
  }
  std::string directory(path->substr(0, slash));
  path->remove_prefix(slash + 1);
  return directory;
}

// Returns true if `directory` has a sub-directory `name` that contains only directories of classes. A class may be named "train"
// too.
bool IsSplitDirectory(const fs::path& directory, const std::vector<std::string>& images, const std::string& name) {
  if (!fs::is_directory(directory / name)) {
    return false;
  }
  return std::none_of(images.begin(), images.end(), [&name](const std::string& image) {
    absl::string_view path = image;
    return TakeDirectory(&path) == name && TakeDirectory(&path).empty();
  });
}

// Derives an example from the path of an image; nullopt when it lies outside train/ and test/.
std::optional<Example> ExampleOfPath(const std::string& image, bool has_splits) {
  Example example;
  example.id = image;
  absl::string_view path = image;
  if (has_splits) {
    const std::string split = TakeDirectory(&path);
    if (split != "train" && split != "test") {
      return std::nullopt;
    }
    example.split = split == "train" ? Split::kTrain : Split::kTest;
  }
  example.label = TakeDirectory(&path);
  return example;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> OpenImageFolder(const std::string& directory) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> images, ListImages(directory));
  const bool has_splits = IsSplitDirectory(directory, images, "train") && IsSplitDirectory(directory, images, "test");
  std::vector<Example> examples;
  examples.reserve(images.size());
  for (const std::string& image : images) {
    if (std::optional<Example> example = ExampleOfPath(image, has_splits)) {
      examples.push_back(*std::move(example));
    }
  }
  if (examples.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        directory, ": no images; expected DIR/class/image.jpg (or .jpeg, .png, .webp), or the same below train/ and test/"));
  }
  return NewFileDataset(directory, std::move(examples));
}

}  // namespace semblance::dataset
