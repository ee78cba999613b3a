// The layout of CUB-200-2011 (Wah et al., The Caltech-UCSD Birds-200-2011 Dataset): three text files that share image and class
// numbers, and images/CLASS/IMAGE.jpg.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "dataset/file_dataset.h"
#include "dataset/layouts.h"
#include "dataset/text_table.h"

namespace semblance::dataset {
namespace {

// The first half of the 200 classes, as in all papers since Song et al. (arXiv 1511.06452).
constexpr int64_t kLastTrainingClass = 100;

// Reads lines of "number text", and returns the texts by number.
absl::StatusOr<absl::flat_hash_map<int64_t, std::string>> ReadNumbered(const std::string& file, const DataRoot& root,
                                                                       absl::string_view words) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root.Resolve(file));
  absl::flat_hash_map<int64_t, std::string> texts;
  SEMBLANCE_RETURN_IF_ERROR(ForEachLine(real, [&texts, words](absl::string_view line) -> absl::Status {
    SEMBLANCE_ASSIGN_OR_RETURN(const NumberedText entry, ParseNumberedText(line, words));
    if (!texts.emplace(entry.number, std::string(entry.text)).second) {
      return absl::InvalidArgumentError(absl::StrCat("the number ", entry.number, " is there twice"));
    }
    return absl::OkStatus();
  }));
  return texts;
}

// The class and the split of an image, from the other two files.
class ImageClasses {
 public:
  static absl::StatusOr<ImageClasses> Read(const std::string& directory, const DataRoot& root) {
    ImageClasses classes;
    SEMBLANCE_ASSIGN_OR_RETURN(classes.names_,
                               ReadNumbered(absl::StrCat(directory, "/classes.txt"), root, "\"class_id class_name\""));
    SEMBLANCE_ASSIGN_OR_RETURN(classes.class_of_image_,
                               ReadNumbered(absl::StrCat(directory, "/image_class_labels.txt"), root, "\"image_id class_id\""));
    return classes;
  }

  absl::StatusOr<Example> ExampleOf(const NumberedText& image) const {
    const auto class_text = class_of_image_.find(image.number);
    if (class_text == class_of_image_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("image ", image.number, " has no line in image_class_labels.txt"));
    }
    SEMBLANCE_ASSIGN_OR_RETURN(
        const int64_t number,
        ParsePositive(class_text->second, absl::StrCat("the class of image ", image.number, " in image_class_labels.txt")));
    const auto name = names_.find(number);
    if (name == names_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("class ", number, " of image ", image.number, " has no line in classes.txt"));
    }
    return Example{absl::StrCat("images/", image.text), name->second, number <= kLastTrainingClass ? Split::kTrain : Split::kTest};
  }

 private:
  absl::flat_hash_map<int64_t, std::string> names_;
  absl::flat_hash_map<int64_t, std::string> class_of_image_;
};

}  // namespace

bool IsCub200(const std::string& directory) {
  return PathExists(absl::StrCat(directory, "/images.txt")) && PathExists(absl::StrCat(directory, "/image_class_labels.txt"));
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenCub200(const std::string& directory, const DataRoot& root) {
  SEMBLANCE_ASSIGN_OR_RETURN(const ImageClasses classes, ImageClasses::Read(directory, root));
  std::vector<Example> examples;
  const std::string list = absl::StrCat(directory, "/images.txt");
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root.Resolve(list));
  SEMBLANCE_RETURN_IF_ERROR(ForEachLine(real, [&](absl::string_view line) -> absl::Status {
    SEMBLANCE_ASSIGN_OR_RETURN(const NumberedText image, ParseNumberedText(line, "\"image_id image_name\""));
    SEMBLANCE_ASSIGN_OR_RETURN(Example example, classes.ExampleOf(image));
    examples.push_back(std::move(example));
    return absl::OkStatus();
  }));
  if (examples.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(list, ": lists no images"));
  }
  return NewFileDataset({.root = directory, .listed_in = list, .examples = std::move(examples)}, root);
}

}  // namespace semblance::dataset
