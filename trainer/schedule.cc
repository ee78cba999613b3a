#include "trainer/schedule.h"

#include <cmath>

namespace semblance {

double LearningRateFactor(v1::OptimizerConfig::Schedule schedule, int64_t step, int64_t total_steps) {
  if (schedule != v1::OptimizerConfig::SCHEDULE_COSINE) {
    return 1;
  }
  constexpr int64_t kWarmUpShare = 20;  // One step in so many.
  const int64_t warm_up = total_steps / kWarmUpShare;
  if (step < warm_up) {
    return static_cast<double>(step + 1) / static_cast<double>(warm_up + 1);
  }
  const double progress = static_cast<double>(step - warm_up) / static_cast<double>(total_steps - warm_up);
  return 0.5 * (1 + std::cos(M_PI * progress));
}

}  // namespace semblance
