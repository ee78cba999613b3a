// Makes the loss that a configuration names.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_TRAINER_LOSSES_NEW_LOSS_H_
#define SEMBLANCE_TRAINER_LOSSES_NEW_LOSS_H_

#include "absl/status/statusor.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/losses/loss.h"

namespace semblance::trainer {

// How the training data says what is similar.
enum class Supervision {
  kClasses,   // Every example has a class: the loss is on proxies or on pairs.
  kTriplets,  // The data are triplets: the loss is on proxies or on triplets.
};

// REQUIRES: a config with its defaults filled in. Errors: InvalidArgument with the field, when the config names no loss that this
// program knows, or a loss that cannot use the data.
absl::StatusOr<Loss> NewLoss(const v1::LossConfig& config, Supervision supervision);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_NEW_LOSS_H_
