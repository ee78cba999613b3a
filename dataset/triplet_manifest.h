// Training data without labels: a TSV file that says of an image which other one it is like, and which it is not.
//
// Thread-safe: functions without state.
//
// The file: a header line naming the columns anchor, positive and negative, then a line per triplet. The cells are paths relative
// to the manifest's directory. Other columns are passed over; empty lines and lines that start with # are comments.
//
// Errors: NotFound (no such file), InvalidArgument with file and line: no such header, a wrong number of cells, an empty path, or a
// negative that is the anchor or the positive itself. (A positive may be the anchor itself: two augmentations of one image.)
#ifndef SEMBLANCE_DATASET_TRIPLET_MANIFEST_H_
#define SEMBLANCE_DATASET_TRIPLET_MANIFEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dataset/dataset.h"

namespace semblance::dataset {

// Indices of images.
struct Triplet {
  int64_t anchor = 0;
  int64_t positive = 0;
  int64_t negative = 0;

  bool operator==(const Triplet&) const = default;
};

struct TripletData {
  // Each image that a triplet names, once, in the order in which they are named first; ids are the paths as written. They have
  // neither a label nor a split.
  std::unique_ptr<Dataset> images;
  // At least one, in the order of the lines.
  std::vector<Triplet> triplets;
};

absl::StatusOr<TripletData> OpenTripletManifest(const std::string& file);

// Whether the header of a file is that of a triplet manifest, to tell it from a manifest of labelled images (OpenManifest). False
// also for what cannot be read.
bool IsTripletManifest(const std::string& file);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_TRIPLET_MANIFEST_H_
