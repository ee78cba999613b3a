// The change of the learning rates over a run.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_TRAINER_LEARNING_SCHEDULE_H_
#define SEMBLANCE_TRAINER_LEARNING_SCHEDULE_H_

#include <cstdint>

#include "semblance/v1/training_config.pb.h"

namespace semblance::trainer {

// The factor of the learning rates at `step`. A constant schedule has 1 throughout. A cosine schedule has a linear rise over the
// first 5 % of the steps, and then half a cosine from 1 to 0. The others have powers of config.decay_factor. REQUIRES: a validated
// config; 0 <= step < total_steps; steps_per_epoch >= 1.
double LearningRateFactor(const v1::OptimizerConfig& config, int64_t step, int64_t total_steps, int64_t steps_per_epoch);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_SCHEDULE_H_
