#include "dataset/file_dataset.h"

#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/text_proto.h"

namespace semblance::dataset {
namespace {

class FileDataset final : public Dataset {
 public:
  FileDataset(FileList list, const DataRoot& root) : list_(std::move(list)), root_(root) {}

  int64_t size() const override { return static_cast<int64_t>(list_.examples.size()); }
  const Example& example(int64_t index) const override { return list_.examples[static_cast<size_t>(index)]; }
  absl::StatusOr<std::string> ReadImage(int64_t index) const override {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string path, PathOf(static_cast<size_t>(index)));
    return ReadFile(path);
  }
  std::vector<std::string> remarks() const override { return list_.remarks; }

  absl::Status Check() const {
    absl::flat_hash_set<absl::string_view> ids;
    const std::string& place = list_.listed_in.empty() ? list_.root : list_.listed_in;
    for (size_t i = 0; i < list_.examples.size(); ++i) {
      const Example& example = list_.examples[i];
      if (!ids.insert(example.id).second) {
        return absl::InvalidArgumentError(absl::StrCat(place, ": the image ", absl::CHexEscape(example.id), " is listed twice"));
      }
      if (!IsUtf8(example.id) || !IsUtf8(example.label)) {
        return absl::InvalidArgumentError(absl::StrCat(place, ": the path \"", absl::CHexEscape(example.id), "\" or its label \"",
                                                       absl::CHexEscape(example.label), "\" is not UTF-8: rename it"));
      }
      SEMBLANCE_RETURN_IF_ERROR(PathOf(i).status());
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<std::string> PathOf(size_t index) const {
    const std::string& path = list_.paths.empty() ? list_.examples[index].id : list_.paths[index];
    return root_.Resolve((std::filesystem::path(list_.root) / path).string());
  }

  const FileList list_;
  const DataRoot root_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> NewFileDataset(FileList list, const DataRoot& root) {
  auto dataset = std::make_unique<FileDataset>(std::move(list), root);
  SEMBLANCE_RETURN_IF_ERROR(dataset->Check());
  return dataset;
}

}  // namespace semblance::dataset
