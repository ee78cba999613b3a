// A list of labelled, encoded images, wherever they are kept: folders, a manifest, IDX files, or the layout of a known data set.
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

namespace semblance::dataset {

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

// A TSV file: a header line naming the columns path, label and (optional) split and id, then a line per image. Paths are relative
// to the manifest's directory; split is "train", "test" or empty; the id is the path where there is no such column. Other columns
// are passed over; empty lines and lines that start with # are comments. In the order of the lines.
absl::StatusOr<std::unique_ptr<Dataset>> OpenManifest(const std::string& file);

// A directory with {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or .gz (the format of MNIST and Fashion-MNIST); one of
// the two pairs suffices. Labels are decimal numbers.
absl::StatusOr<std::unique_ptr<Dataset>> OpenIdx(const std::string& directory);

// The three that follow are data sets of the papers, as their authors publish them. Their split is the one that metric learning
// reports: the classes of the test are not those of training. Ids are paths relative to `directory`; whether the images are there
// is seen when they are read.

// CUB-200-2011: images.txt, image_class_labels.txt, classes.txt and images/. Classes 1 to 100 train, the others test. (The file
// train_test_split.txt is of the classification task, where both sides have all classes; it is not read.) Labels are the names in
// classes.txt. In the order of images.txt.
absl::StatusOr<std::unique_ptr<Dataset>> OpenCub200(const std::string& directory);

// Cars196, in one of its two forms: cars_annos.mat with car_ims/; or cars_train_annos.mat with cars_train/, and
// cars_test_annos_withlabels.mat with cars_test/. The .mat files are in `directory` or its devkit/, where also cars_meta.mat is,
// which has the names of the classes. Classes 1 to 98 train, the others test. In the order of the annotations.
absl::StatusOr<std::unique_ptr<Dataset>> OpenCars196(const std::string& directory);

// Stanford Online Products: Ebay_train.txt and Ebay_test.txt, which are the split. Labels are the numbers of the classes (a product
// each; super-classes are not used). In the order of the files, training first.
absl::StatusOr<std::unique_ptr<Dataset>> OpenOnlineProducts(const std::string& directory);

// Whichever of these is at `path`: a file is a manifest (one of triplets gives its images, which have no labels; see
// triplet_manifest.h), and a directory without the files of any other layout is an image folder.
absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(const std::string& path);

// How examples without a split are divided.
enum class HoldOut { kItems, kClasses, kLastClasses, kNone };

// The indices of the training and of the test examples, ascending.
struct SplitIndices {
  std::vector<int64_t> train;
  std::vector<int64_t> test;
};

// Where a name lies in [0, 1): spread evenly, and the same everywhere. For choices that do not depend on what else there is.
double HashToUnit(const std::string& name);

// Splits by the data where every example has a split. Where none has one: by a hash of the id (kItems) or of the label (kClasses),
// which does not depend on the order or the number of the examples, so that more data moves none of them; or by the order of the
// labels' bytes, whose last share is the test (kLastClasses), as the papers split their data sets.
// REQUIRES: 0 < fraction < 1 unless kNone. Errors: InvalidArgument when only some examples have a split.
absl::StatusOr<SplitIndices> AssignSplit(const Dataset& dataset, HoldOut hold_out, double fraction);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_DATASET_H_
