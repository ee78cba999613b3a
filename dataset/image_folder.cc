// A data set with one directory per class.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

bool IsImageEnding(absl::string_view ending) {
  static constexpr absl::string_view kEndings[] = {".jpg",  ".jpeg", ".jpe", ".jfif", ".png",
                                                   ".webp", ".gif",  ".bmp", ".tif",  ".tiff"};
  return std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings);
}

// Lists the images below a directory, and counts what is none.
class ImageLister {
 public:
  ImageLister(fs::path top, const DataRoot& root) : top_(std::move(top)), root_(root) {}

  absl::Status List() {
    SEMBLANCE_RETURN_IF_ERROR(ListDirectory(top_));
    std::sort(paths_.begin(), paths_.end());
    std::sort(links_.begin(), links_.end());
    return absl::OkStatus();
  }

  // Relative to the directory, in byte order.
  const std::vector<std::string>& paths() const { return paths_; }

  std::vector<std::string> Remarks() const {
    std::vector<std::string> remarks;
    if (!passed_over_.empty()) {
      remarks.push_back(PassedOver());
    }
    for (const std::string& link : links_) {
      remarks.push_back(absl::StrCat(link, " was passed over: it is a link to a directory that it is in"));
    }
    return remarks;
  }

 private:
  // A directory has this identity under every name.
  using Identity = std::pair<dev_t, ino_t>;

  // Links to directories are followed. One that leads to a directory on the way to it would never end.
  absl::Status ListDirectory(const fs::path& directory) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root_.Resolve(directory.string()));
    struct stat status = {};
    if (stat(real.c_str(), &status) != 0) {
      return ErrnoError(errno, absl::StrCat("listing ", directory.string()));
    }
    const Identity identity(status.st_dev, status.st_ino);
    if (std::find(way_.begin(), way_.end(), identity) != way_.end()) {
      links_.push_back(directory.lexically_relative(top_).generic_string());
      return absl::OkStatus();
    }
    way_.push_back(identity);
    std::error_code error;
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      SEMBLANCE_RETURN_IF_ERROR(ListEntry(*entry));
    }
    way_.pop_back();
    return error ? ErrnoError(error.value(), absl::StrCat("listing ", directory.string())) : absl::OkStatus();
  }

  absl::Status ListEntry(const fs::directory_entry& entry) {
    if (IsHidden(entry.path())) {
      return absl::OkStatus();
    }
    std::error_code error;
    if (entry.is_directory(error)) {
      return ListDirectory(entry.path());
    }
    const std::string ending = absl::AsciiStrToLower(entry.path().extension().string());
    if (IsImageEnding(ending)) {
      paths_.push_back(entry.path().lexically_relative(top_).generic_string());
    } else {
      ++passed_over_[ending];
    }
    return absl::OkStatus();
  }

  // "15 files passed over (12 .mov, 3 .heic)", the most frequent ending first.
  std::string PassedOver() const {
    constexpr size_t kMostEndings = 8;
    std::vector<std::pair<int64_t, std::string>> counts;
    int64_t total = 0;
    for (const auto& [ending, count] : passed_over_) {
      counts.emplace_back(-count, ending);
      total += count;
    }
    std::sort(counts.begin(), counts.end());
    std::vector<std::string> words;
    for (const auto& [minus_count, ending] : counts) {
      if (words.size() == kMostEndings) {
        words.push_back("...");
        break;
      }
      words.push_back(
          absl::StrCat(-minus_count, " ", ending.empty() ? "without an ending" : absl::CHexEscape(ending.substr(0, 20))));
    }
    return absl::StrCat(total, total == 1 ? " file" : " files", " passed over (", absl::StrJoin(words, ", "), ")");
  }

  const fs::path top_;
  const DataRoot& root_;
  std::vector<std::string> paths_;
  // Numbers of files by ending.
  std::map<std::string, int64_t> passed_over_;
  std::vector<std::string> links_;
  // The directories from the top to the present one.
  std::vector<Identity> way_;
};

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

absl::StatusOr<std::unique_ptr<Dataset>> OpenImageFolder(const std::string& directory, const DataRoot& root) {
  ImageLister lister(directory, root);
  SEMBLANCE_RETURN_IF_ERROR(lister.List());
  const std::vector<std::string>& images = lister.paths();
  const bool has_splits = IsSplitDirectory(directory, images, "train") && IsSplitDirectory(directory, images, "test");
  FileList list = {.root = directory};
  list.examples.reserve(images.size());
  for (const std::string& image : images) {
    if (std::optional<Example> example = ExampleOfPath(image, has_splits)) {
      list.examples.push_back(*std::move(example));
    }
  }
  list.remarks = lister.Remarks();
  if (const size_t beside = images.size() - list.examples.size(); beside > 0) {
    list.remarks.push_back(absl::StrCat(beside, beside == 1 ? " image" : " images", " beside train/ and test/ passed over"));
  }
  if (list.examples.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(directory, ": no images; expected DIR/class/image.jpg (or another format), or the same below train/ and test/",
                     list.remarks.empty() ? "" : "; ", absl::StrJoin(list.remarks, "; ")));
  }
  return NewFileDataset(std::move(list), root);
}

}  // namespace semblance::dataset
