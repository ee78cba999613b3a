// A list of labelled, encoded images, wherever they are kept: folders, a manifest, or IDX files.
//
// Thread-compatible: const methods may run concurrently.
//
// Opening reads names only (IDX: the whole files); an image is read when it is asked for. Errors of opening: NotFound (no such
// path), InvalidArgument (what is there is no data set: which file and line, and what was expected). The examples of one data set
// come in the same order everywhere, so that indices and splits are reproducible.
#ifndef SEMBLANCE_DATASET_DATASET_H_
#define SEMBLANCE_DATASET_DATASET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace semblance {

// kUnassigned: the data says nothing; see AssignSplit.
enum class Split { kUnassigned, kTrain, kTest };

struct Example {
  // Unique in the data set, usable as an item id: the path relative to the root, or "test/00042" for IDX.
  std::string id;
  // Empty: not known.
  std::string label;
  Split split = Split::kUnassigned;
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;

  // REQUIRES: 0 <= index < size().
  virtual const Example& example(int64_t index) const = 0;

  // The encoded image (JPEG, PNG or WebP bytes as stored; IDX images are encoded as PNG). REQUIRES: 0 <= index < size().
  // Errors: NotFound, PermissionDenied, Unavailable, with the path.
  virtual absl::StatusOr<std::string> ReadImage(int64_t index) const = 0;
};

// DIR/class/image.jpg (label = class, deeper levels allowed below the class), or DIR/train/class/... and DIR/test/class/...
// An image without a directory of its class has no label. Passed over: files with other endings than .jpg .jpeg .png .webp (any
// case), hidden files and directories, and what lies beside train/ and test/. In the order of the paths' bytes.
absl::StatusOr<std::unique_ptr<Dataset>> OpenImageFolder(const std::string& directory);

// A TSV file: a header line naming the columns path, label and (optional) split, then a line per image. Paths are relative to the
// manifest's directory; split is "train", "test" or empty. Other columns are passed over; empty lines and lines that start with #
// are comments. In the order of the lines.
absl::StatusOr<std::unique_ptr<Dataset>> OpenManifest(const std::string& file);

// A directory with {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or .gz (the format of MNIST and Fashion-MNIST); one of
// the two pairs suffices. Labels are decimal numbers.
absl::StatusOr<std::unique_ptr<Dataset>> OpenIdx(const std::string& directory);

// Whichever of the three is at `path`.
absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(const std::string& path);

// How examples without a split are divided.
enum class HoldOut { kItems, kClasses, kNone };

// The indices of the training and of the test examples, ascending.
struct SplitIndices {
  std::vector<int64_t> train;
  std::vector<int64_t> test;
};

// Where a name lies in [0, 1): spread evenly, and the same everywhere. For choices that do not depend on what else there is.
double HashToUnit(const std::string& name);

// Splits by the data where every example has a split; by a hash of the id (kItems) or of the label (kClasses) where none has one.
// The hash does not depend on the order or the number of the examples, so every program that asks gets the same answer.
// REQUIRES: 0 < fraction < 1 unless kNone. Errors: InvalidArgument when only some examples have a split.
absl::StatusOr<SplitIndices> AssignSplit(const Dataset& dataset, HoldOut hold_out, double fraction);

}  // namespace semblance

#endif  // SEMBLANCE_DATASET_DATASET_H_
