#include "dataset/file_dataset.h"

#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/file.h"
#include "common/text_proto.h"

namespace semblance::dataset {
namespace {

class FileDataset final : public Dataset {
 public:
  FileDataset(std::string root, std::vector<Example> examples, std::vector<std::string> paths)
      : root_(std::move(root)), examples_(std::move(examples)), paths_(std::move(paths)) {}

  int64_t size() const override { return static_cast<int64_t>(examples_.size()); }
  const Example& example(int64_t index) const override { return examples_[static_cast<size_t>(index)]; }
  absl::StatusOr<std::string> ReadImage(int64_t index) const override {
    return ReadFile((root_ / (paths_.empty() ? example(index).id : paths_[static_cast<size_t>(index)])).string());
  }

 private:
  const std::filesystem::path root_;
  const std::vector<Example> examples_;
  // Empty when the ids are the paths.
  const std::vector<std::string> paths_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> NewFileDataset(std::string root, std::vector<Example> examples,
                                                        std::vector<std::string> paths) {
  absl::flat_hash_set<absl::string_view> ids;
  for (const Example& example : examples) {
    if (!ids.insert(example.id).second) {
      return absl::InvalidArgumentError(absl::StrCat(root, ": the image ", absl::CHexEscape(example.id), " is listed twice"));
    }
    if (!IsUtf8(example.id) || !IsUtf8(example.label)) {
      return absl::InvalidArgumentError(absl::StrCat(root, ": the path \"", absl::CHexEscape(example.id), "\" or its label \"",
                                                     absl::CHexEscape(example.label), "\" is not UTF-8: rename it"));
    }
  }
  return std::make_unique<FileDataset>(std::move(root), std::move(examples), std::move(paths));
}

}  // namespace semblance::dataset
