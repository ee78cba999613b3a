// Makes folders of training images, so that a benchmark needs no data set.
//
// Not thread-safe.
#ifndef SEMBLANCE_BENCH_TRAINING_IMAGE_FOLDERS_H_
#define SEMBLANCE_BENCH_TRAINING_IMAGE_FOLDERS_H_

#include <string>

#include "absl/status/status.h"

namespace semblance::bench {

struct ImageFolderOptions {
  int images = 0;
  // The images are distributed evenly over the classes.
  int classes = 0;
  // The side of generated images, in pixels.
  int side = 0;
  // A data set whose first images, in its order, are used in place of generated ones. When it is empty, images are generated.
  std::string source;
};

// Writes `directory`/CLASS/NUMBER.png anew. Generated images are colored blobs, the same in every run. Errors: the errors of
// OpenDataset; InvalidArgument when the source has too few images; the errors of writing.
absl::Status WriteImageFolder(const std::string& directory, const ImageFolderOptions& options);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_TRAINING_IMAGE_FOLDERS_H_
