// The layouts of Cars196 (Krause et al., 3D Object Representations for Fine-Grained Categorization).
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "dataset/file_dataset.h"
#include "dataset/layouts.h"
#include "dataset/mat_file.h"

namespace semblance::dataset {
namespace {

// The first half of the 196 classes, as in all papers since Song et al. (arXiv 1511.06452).
constexpr int64_t kLastTrainingClass = 98;
constexpr char kAnnotations[] = "annotations";

// Finds a file of the devkit. Archives put some files into devkit/ and some beside it. NotFound when it is in neither place.
absl::StatusOr<std::string> FindFile(const std::string& directory, const std::string& name) {
  for (const std::string& path : {absl::StrCat(directory, "/devkit/", name), absl::StrCat(directory, "/", name)}) {
    if (PathExists(path)) {
      return path;
    }
  }
  return absl::NotFoundError(absl::StrCat(directory, ": expected ", name, " here or in devkit/"));
}

class Cars196Examples {
 public:
  Cars196Examples(std::vector<std::string> class_names, const DataRoot& root) : class_names_(std::move(class_names)), root_(root) {}

  // Adds the annotations of `file`. Their paths are relative to `folder`; an empty one means that they contain their folder.
  absl::Status Add(const std::string& file, const std::string& path_field, const std::string& folder) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root_.Resolve(file));
    SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<MatRecord> records, ReadMatRecords(real, kAnnotations, {path_field, "class"}));
    if (records.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(file, ": annotates no images"));
    }
    for (const MatRecord& record : records) {
      if (record.number < 1 || record.number > static_cast<int64_t>(class_names_.size())) {
        return absl::InvalidArgumentError(
            absl::StrCat(file, ": the class of ", record.text, " is ", record.number, "; expected 1 to ", class_names_.size()));
      }
      examples_.push_back(Example{absl::StrCat(folder, record.text), class_names_[static_cast<size_t>(record.number - 1)],
                                  record.number <= kLastTrainingClass ? Split::kTrain : Split::kTest});
    }
    return absl::OkStatus();
  }

  std::vector<Example> Take() { return std::move(examples_); }

 private:
  const std::vector<std::string> class_names_;
  const DataRoot& root_;
  std::vector<Example> examples_;
};

// Opens the form with all images in one folder and one file of annotations.
absl::Status AddTogether(const std::string& directory, Cars196Examples* examples) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string file, FindFile(directory, "cars_annos.mat"));
  return examples->Add(file, "relative_im_path", "");
}

// Opens the form with the folders of the classification task.
absl::Status AddApart(const std::string& directory, Cars196Examples* examples) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string train, FindFile(directory, "cars_train_annos.mat"));
  SEMBLANCE_RETURN_IF_ERROR(examples->Add(train, "fname", "cars_train/"));
  const absl::StatusOr<std::string> test = FindFile(directory, "cars_test_annos_withlabels.mat");
  if (!test.ok()) {
    return absl::NotFoundError(
        absl::StrCat(test.status().message(), "; the devkit's own cars_test_annos.mat has no classes and does not suffice"));
  }
  return examples->Add(*test, "fname", "cars_test/");
}

}  // namespace

bool IsCars196(const std::string& directory) {
  return FindFile(directory, "cars_annos.mat").ok() || FindFile(directory, "cars_train_annos.mat").ok();
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenCars196(const std::string& directory, const DataRoot& root) {
  const bool together = PathExists(absl::StrCat(directory, "/car_ims"));
  if (!together && !PathExists(absl::StrCat(directory, "/cars_train"))) {
    return absl::NotFoundError(
        absl::StrCat(directory, ": has annotations of Cars196 and no images; expected car_ims/, or cars_train/ and cars_test/"));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string meta, FindFile(directory, "cars_meta.mat"));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string real_meta, root.Resolve(meta));
  SEMBLANCE_ASSIGN_OR_RETURN(std::vector<std::string> class_names, ReadMatTexts(real_meta, "class_names"));
  Cars196Examples examples(std::move(class_names), root);
  SEMBLANCE_RETURN_IF_ERROR(together ? AddTogether(directory, &examples) : AddApart(directory, &examples));
  return NewFileDataset({.root = directory, .examples = examples.Take()}, root);
}

}  // namespace semblance::dataset
