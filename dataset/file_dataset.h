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

// `paths`, relative to `root`, of the examples; empty: their ids. Errors: InvalidArgument for an id that is there twice, and for an
// id or a label that is not UTF-8, because bundles and the service could not hold it.
absl::StatusOr<std::unique_ptr<Dataset>> NewFileDataset(std::string root, std::vector<Example> examples,
                                                        std::vector<std::string> paths = {});

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_FILE_DATASET_H_
