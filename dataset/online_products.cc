// The layout of Stanford Online Products (Song et al., arXiv 1511.06452): two lists, one for each side of the split.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "dataset/file_dataset.h"
#include "dataset/layouts.h"
#include "dataset/text_table.h"

namespace semblance::dataset {
namespace {

constexpr char kHeader[] = "image_id class_id super_class_id path";

absl::StatusOr<Example> ParseRow(absl::string_view line, Split split) {
  const std::vector<absl::string_view> cells = absl::StrSplit(line, absl::MaxSplits(' ', 3));
  if (cells.size() != 4 || cells[3].empty()) {
    return absl::InvalidArgumentError(absl::StrCat("expected \"", kHeader, "\", found \"", line, "\""));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t label, ParsePositive(cells[1], "class_id"));
  return Example{std::string(cells[3]), absl::StrCat(label), split};
}

absl::Status AddList(const std::string& file, Split split, const DataRoot& root, std::vector<Example>* examples) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root.Resolve(file));
  const size_t before = examples->size();
  bool is_header = true;
  SEMBLANCE_RETURN_IF_ERROR(ForEachLine(real, [&](absl::string_view line) -> absl::Status {
    if (std::exchange(is_header, false)) {
      return line == kHeader
                 ? absl::OkStatus()
                 : absl::InvalidArgumentError(absl::StrCat("expected the header \"", kHeader, "\", found \"", line, "\""));
    }
    SEMBLANCE_ASSIGN_OR_RETURN(Example example, ParseRow(line, split));
    examples->push_back(std::move(example));
    return absl::OkStatus();
  }));
  if (examples->size() == before) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": lists no images"));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsOnlineProducts(const std::string& directory) {
  return PathExists(absl::StrCat(directory, "/Ebay_train.txt")) || PathExists(absl::StrCat(directory, "/Ebay_test.txt"));
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenOnlineProducts(const std::string& directory, const DataRoot& root) {
  std::vector<Example> examples;
  SEMBLANCE_RETURN_IF_ERROR(AddList(absl::StrCat(directory, "/Ebay_train.txt"), Split::kTrain, root, &examples));
  SEMBLANCE_RETURN_IF_ERROR(AddList(absl::StrCat(directory, "/Ebay_test.txt"), Split::kTest, root, &examples));
  return NewFileDataset({.root = directory, .examples = std::move(examples)}, root);
}

}  // namespace semblance::dataset
