// The triplets of a manifest, split by anchor, with the images of each split.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_TRAINER_DATA_TRIPLET_DATA_H_
#define SEMBLANCE_TRAINER_DATA_TRIPLET_DATA_H_

#include "absl/status/statusor.h"
#include "dataset/triplet_manifest.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/data/training_data.h"

namespace semblance::trainer {

// Assigns all triplets of an anchor to one split, by a hash of the anchor's id. The share config.hold_out_fraction goes to the test
// (unless HOLD_OUT_NONE), and the share `validation_fraction` of the others to the validation. So they stay the same when data is
// added. A split has the images that its triplets name; positives and negatives may be in several splits. No class is known.
//
// Errors: InvalidArgument with reason DATA_INVALID and a field when a requested split has no triplet. REQUIRES: a validated config.
absl::StatusOr<TrainingData> PrepareTripletData(dataset::TripletData triplets, const v1::DataConfig& config,
                                                double validation_fraction);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_TRIPLET_DATA_H_
