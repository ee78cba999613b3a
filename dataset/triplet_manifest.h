// Training data without labels: each line of a TSV file names an image, one that it resembles, and one that it does not resemble.
//
// Thread-safe: functions without state.
//
// The header names the columns anchor, positive and negative; then there is one line per triplet. Cells are paths relative to the
// directory of the manifest. Other columns are ignored; empty lines and lines that start with # are comments.
//
// Errors: NotFound (no such file), InvalidArgument with file and line: no such header, a wrong number of cells, an empty path, or a
// negative that is the same image as the anchor or the positive. (Anchor and positive may be the same image, in two augmentations.)
#ifndef SEMBLANCE_DATASET_TRIPLET_MANIFEST_H_
#define SEMBLANCE_DATASET_TRIPLET_MANIFEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dataset/dataset.h"

namespace semblance::dataset {

// A triplet, as indices of images.
struct Triplet {
  int64_t anchor = 0;
  int64_t positive = 0;
  int64_t negative = 0;

  bool operator==(const Triplet&) const = default;
};

struct TripletData {
  // Every image that a triplet names, once, in the order in which they first appear. Their ids are the paths as written. They have
  // neither a label nor a split.
  std::unique_ptr<Dataset> images;
  // The triplets in the order of the lines. There is at least one.
  std::vector<Triplet> triplets;
};

absl::StatusOr<TripletData> OpenTripletManifest(const std::string& file, const DataRoot& root = DataRoot());

// Returns true if a file has the header of a triplet manifest, which distinguishes it from a manifest of labeled images
// (OpenManifest). Returns false if the file cannot be read, or lies outside of `root`.
bool IsTripletManifest(const std::string& file, const DataRoot& root = DataRoot());

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_TRIPLET_MANIFEST_H_
