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

// Makes a data set of examples. `paths` are the files of the examples, relative to `root`; when it is empty, the ids are the paths.
// Errors: InvalidArgument for an id that comes twice, and for an id or a label that is not UTF-8, because bundles and the service
// could not store it.
absl::StatusOr<std::unique_ptr<Dataset>> NewFileDataset(std::string root, std::vector<Example> examples,
                                                        std::vector<std::string> paths = {});

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_FILE_DATASET_H_
