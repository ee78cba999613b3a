#include "trainer/learning/autocast.h"

#include <algorithm>

namespace semblance::trainer {

AutocastType AutocastTypeOf(v1::TrainingConfig::Precision precision, torch::Device device) {
  switch (precision) {
    case v1::TrainingConfig::PRECISION_FLOAT32:
      return AutocastType::kNone;
    case v1::TrainingConfig::PRECISION_BFLOAT16:
      return AutocastType::kBfloat16;
    case v1::TrainingConfig::PRECISION_FLOAT16:
      return device.is_cuda() ? AutocastType::kFloat16 : AutocastType::kBfloat16;
    default:
      return device.is_cuda() ? AutocastType::kBfloat16 : AutocastType::kNone;
  }
}

bool LossScale::Unscale(const std::vector<torch::Tensor>& parameters) {
  if (!is_used_) {
    return true;
  }
  const torch::NoGradGuard no_grad;
  bool finite = true;
  for (const torch::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) {
      parameter.mutable_grad().div_(factor_);
      finite = finite && parameter.grad().isfinite().all().item<bool>();
    }
  }
  constexpr int kStepsToDouble = 2000;
  if (!finite) {
    factor_ = std::max(factor_ / 2, 1.0);
    good_steps_ = 0;
  } else if (++good_steps_ % kStepsToDouble == 0) {
    factor_ *= 2;
  }
  return finite;
}

}  // namespace semblance::trainer
