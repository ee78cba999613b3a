// A manifest of triplets as the trainer sees it: split by anchor, with the images of each side.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_TRAINER_DATA_TRIPLET_DATA_H_
#define SEMBLANCE_TRAINER_DATA_TRIPLET_DATA_H_

#include "absl/status/statusor.h"
#include "dataset/triplet_manifest.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/data/training_data.h"

namespace semblance::trainer {

// Gives the triplets of an anchor to one side, by a hash of the anchor's id: a share config.hold_out_fraction to the test (unless
// HOLD_OUT_NONE), and `validation_fraction` of the others to the validation, so that they stay the same when data is added. A side
// has the images that its triplets name: positives and negatives may be on several sides. No class is known.
//
// Errors: InvalidArgument with reason DATA_INVALID and a field when a side that was asked for has no triplet. REQUIRES: a validated
// config.
absl::StatusOr<TrainingData> PrepareTripletData(dataset::TripletData triplets, const v1::DataConfig& config,
                                                double validation_fraction);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_TRIPLET_DATA_H_
