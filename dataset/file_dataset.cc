#include "dataset/file_dataset.h"

#include <filesystem>
#include <utility>

#include "common/file.h"

namespace semblance {
namespace {

class FileDataset final : public Dataset {
 public:
  FileDataset(std::string root, std::vector<Example> examples) : root_(std::move(root)), examples_(std::move(examples)) {}

  int64_t size() const override { return static_cast<int64_t>(examples_.size()); }
  const Example& example(int64_t index) const override { return examples_[static_cast<size_t>(index)]; }
  absl::StatusOr<std::string> ReadImage(int64_t index) const override { return ReadFile((root_ / example(index).id).string()); }

 private:
  const std::filesystem::path root_;
  const std::vector<Example> examples_;
};

}  // namespace

std::unique_ptr<Dataset> NewFileDataset(std::string root, std::vector<Example> examples) {
  return std::make_unique<FileDataset>(std::move(root), std::move(examples));
}

}  // namespace semblance
