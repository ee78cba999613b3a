// Lists of labeled, encoded images, which come from folders, a manifest, IDX files, or the layout of a known data set.
//
// Thread-compatible: const methods may run concurrently.
//
// Opening reads names only, except for IDX files, which it reads as a whole. An image is read when it is asked for. The examples of
// a data set have the same order on every machine, so that indices and splits are reproducible. Errors of opening: NotFound (no
// such path); InvalidArgument (not a data set; the message names file, line and what was expected).
#ifndef SEMBLANCE_DATASET_DATASET_H_
#define SEMBLANCE_DATASET_DATASET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dataset/data_root.h"

namespace semblance::dataset {

// kUnassigned means that the data set defines no split; see AssignSplit.
enum class Split { kUnassigned, kTrain, kTest };

struct Example {
  // Unique in the data set, and usable as the id of an item. It is the path relative to the root, or "test/00042" for IDX.
  std::string id;
  // Empty when unknown.
  std::string label;
  Split split = Split::kUnassigned;
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;

  // REQUIRES: 0 <= index < size().
  virtual const Example& example(int64_t index) const = 0;

  // Returns the encoded image (the bytes as stored; IDX images are encoded as PNG). REQUIRES: 0 <= index < size(). Errors:
  // NotFound, PermissionDenied, Unavailable, and those of DataRoot, with the path.
  virtual absl::StatusOr<std::string> ReadImage(int64_t index) const = 0;

  // Says for people which files were passed over when it was opened. Each kind has a line, such as "15 files passed over (12 .mov,
  // 3 .heic)".
  virtual std::vector<std::string> remarks() const { return {}; }
};

// The functions below take a DataRoot. Where it names a directory, no file outside of it is opened: every path and link is resolved
// and checked, all listed paths when the data set is opened, and each again when its image is read.

// Opens DIR/class/image.jpg, or DIR/train/class/... and DIR/test/class/... The label is the class; there may be deeper levels below
// it. An image that is not in a directory of a class has no label. Images end in .jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif or
// .tiff, in any case. Files with other endings, images beside train/ and test/, and links to a directory that they are in are
// passed over, and remarks() tells how many and which. Hidden files and directories are passed over, too. Examples are in the order
// of the bytes of their paths.
absl::StatusOr<std::unique_ptr<Dataset>> OpenImageFolder(const std::string& directory, const DataRoot& root = DataRoot());

// Opens a TSV file. Its header names the columns path and label, and optionally split and id; then there is one line per image.
// Paths are relative to the directory of the manifest. The split is "train", "test" or empty. Without a column id, the id is the
// path. Other columns are ignored; empty lines and lines that start with # are comments, and so is a byte order mark. Examples are
// in the order of the lines.
absl::StatusOr<std::unique_ptr<Dataset>> OpenManifest(const std::string& file, const DataRoot& root = DataRoot());

// Opens a directory with {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or .gz, which is the format of MNIST and
// Fashion-MNIST. One of the two pairs is enough. Labels are decimal numbers.
absl::StatusOr<std::unique_ptr<Dataset>> OpenIdx(const std::string& directory, const DataRoot& root = DataRoot());

// The next three functions open data sets of the papers, as their authors publish them. The split is the one for which papers on
// metric learning report results: training and test have different classes. Ids are paths relative to `directory`. A missing image
// is noticed only when it is read.

// Opens CUB-200-2011: images.txt, image_class_labels.txt, classes.txt and images/. Classes 1 to 100 are for training, the others
// for the test. The file train_test_split.txt is not read, because it belongs to the classification task, where both sides have all
// classes. Labels are the names in classes.txt. Examples are in the order of images.txt.
absl::StatusOr<std::unique_ptr<Dataset>> OpenCub200(const std::string& directory, const DataRoot& root = DataRoot());

// Opens Cars196 in one of its two forms: cars_annos.mat with car_ims/; or cars_train_annos.mat with cars_train/, and
// cars_test_annos_withlabels.mat with cars_test/. The .mat files are in `directory` or in its devkit/, and so is cars_meta.mat,
// which has the names of the classes. Classes 1 to 98 are for training, the others for the test. Examples are in the order of the
// annotations.
absl::StatusOr<std::unique_ptr<Dataset>> OpenCars196(const std::string& directory, const DataRoot& root = DataRoot());

// Opens Stanford Online Products. Ebay_train.txt and Ebay_test.txt define the split. Labels are the numbers of the classes, each of
// which is a product; super-classes are not used. Examples are in the order of the files, training first.
absl::StatusOr<std::unique_ptr<Dataset>> OpenOnlineProducts(const std::string& directory, const DataRoot& root = DataRoot());

// Opens whichever of these is at `path`. A file is a manifest; a manifest of triplets gives its images, which have no labels (see
// triplet_manifest.h). A directory without the files of any other layout is an image folder.
absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(const std::string& path, const DataRoot& root = DataRoot());

// The way to divide examples without a split.
enum class HoldOut { kItems, kClasses, kLastClasses, kNone };

// The indices of the examples for training and for the test, both ascending.
struct SplitIndices {
  std::vector<int64_t> train;
  std::vector<int64_t> test;
};

// Maps a name to [0, 1). Names are spread evenly, and a name has the same value everywhere. So choices by this value do not depend
// on other examples.
double HashToUnit(const std::string& name);

// Splits a data set. If every example has a split, that is used. If none has one, `hold_out` decides: kItems and kClasses use a
// hash of the id or of the label, which does not depend on other examples, so that adding data moves none of them. kLastClasses
// orders labels by their bytes and takes the last ones for the test, as the papers split their data sets. REQUIRES: 0 < fraction <
// 1 unless kNone. Errors: InvalidArgument when only some examples have a split.
absl::StatusOr<SplitIndices> AssignSplit(const Dataset& dataset, HoldOut hold_out, double fraction);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_DATASET_H_
