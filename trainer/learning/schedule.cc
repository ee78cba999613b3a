#include "trainer/learning/schedule.h"

#include <cmath>

namespace semblance::trainer {

namespace {

double Cosine(int64_t step, int64_t total_steps) {
  constexpr int64_t kWarmUpShare = 20;  // One step in so many.
  const int64_t warm_up = total_steps / kWarmUpShare;
  if (step < warm_up) {
    return static_cast<double>(step + 1) / static_cast<double>(warm_up + 1);
  }
  const double progress = static_cast<double>(step - warm_up) / static_cast<double>(total_steps - warm_up);
  return 0.5 * (1 + std::cos(M_PI * progress));
}

}  // namespace

double LearningRateFactor(const v1::OptimizerConfig& config, int64_t step, int64_t total_steps, int64_t steps_per_epoch) {
  const double epochs = static_cast<double>(step) / static_cast<double>(steps_per_epoch);
  switch (config.schedule()) {
    case v1::OptimizerConfig::SCHEDULE_COSINE:
      return Cosine(step, total_steps);
    case v1::OptimizerConfig::SCHEDULE_EXPONENTIAL:
      return std::pow(config.decay_factor(), epochs / config.decay_epochs());
    case v1::OptimizerConfig::SCHEDULE_STEP:
      return std::pow(config.decay_factor(), std::floor(epochs / config.decay_epochs()));
    default:
      return 1;
  }
}

}  // namespace semblance::trainer
