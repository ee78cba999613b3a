// The directory that holds all files of a data set which somebody else than the operator chose.
//
// Thread-compatible: immutable. The functions read the present state of the file system.
#ifndef SEMBLANCE_DATASET_DATA_ROOT_H_
#define SEMBLANCE_DATASET_DATA_ROOT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::dataset {

class DataRoot {
 public:
  // No root: every path is allowed.
  DataRoot() = default;

  // Errors: NotFound and other I/O errors.
  static absl::StatusOr<DataRoot> Open(const std::string& directory);

  // Returns the path to open: without a root `path` itself, else the absolute path to which it leads, without links. What does not
  // exist is resolved as far as it exists. Errors: InvalidArgument, PATH_OUTSIDE_ROOT, if the path leads out of the root, be it by
  // "..", as an absolute path or through a link; the message quotes `path` and does not tell what is there.
  absl::StatusOr<std::string> Resolve(const std::string& path) const;

 private:
  explicit DataRoot(std::string directory) : directory_(std::move(directory)) {}

  // Absolute, without links. Empty for no root.
  std::string directory_;
};

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_DATA_ROOT_H_
