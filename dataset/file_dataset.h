// A data set whose images are files.
//
// Thread-compatible: const methods may run concurrently.
#ifndef SEMBLANCE_DATASET_FILE_DATASET_H_
#define SEMBLANCE_DATASET_FILE_DATASET_H_

#include <memory>
#include <string>
#include <vector>

#include "dataset/dataset.h"

namespace semblance::dataset {

struct FileList {
  // The directory to which paths are relative.
  std::string root = {};
  // The file that lists the images, for messages; empty where there is none.
  std::string listed_in = {};
  std::vector<Example> examples = {};
  // The files of the examples. Empty where the ids are the paths.
  std::vector<std::string> paths = {};
  // As of Dataset::remarks.
  std::vector<std::string> remarks = {};
};

// Makes a data set of examples. Errors: InvalidArgument for an id that comes twice, and for an id or a label that is not UTF-8,
// because bundles and the service could not store it; those of DataRoot::Resolve for a path that leads out of `root`.
absl::StatusOr<std::unique_ptr<Dataset>> NewFileDataset(FileList list, const DataRoot& root = DataRoot());

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_FILE_DATASET_H_
