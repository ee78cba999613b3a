// Mixed precision: matrix products and convolutions in 16 bits. The loss and the proxies stay in float32, so the scope must end
// before they are computed.
//
// Not thread-safe: Autocast changes the state of the calling thread. Scopes may be nested but not interleaved.
#ifndef SEMBLANCE_TRAINER_LEARNING_AUTOCAST_H_
#define SEMBLANCE_TRAINER_LEARNING_AUTOCAST_H_

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

#include <vector>

#include "semblance/v1/training_config.pb.h"

namespace semblance::trainer {

// The type that a network computes in. kNone: float32 everywhere.
enum class AutocastType { kNone, kBfloat16, kFloat16 };

// REQUIRES: a validated config. float16 is for CUDA only; bfloat16 replaces it elsewhere.
AutocastType AutocastTypeOf(v1::TrainingConfig::Precision precision, torch::Device device);

// Turns mixed precision on during the life of the object.
class Autocast {
 public:
  Autocast(torch::Device device, AutocastType type) : on_cuda_(device.is_cuda()), active_(type != AutocastType::kNone) {
    if (active_) {
      SetType(type == AutocastType::kFloat16 ? at::kHalf : at::kBFloat16);
      SetEnabled(true);
    }
  }
  ~Autocast() {
    if (active_) {
      at::autocast::clear_cache();  // The weights change after every step.
      SetEnabled(false);
    }
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  void SetType(at::ScalarType type) const {
    at::autocast::set_autocast_dtype(on_cuda_ ? at::kCUDA : at::kCPU, type);
  }
  void SetEnabled(bool enabled) const {
    at::autocast::set_autocast_enabled(on_cuda_ ? at::kCUDA : at::kCPU, enabled);
  }
#else
  void SetType(at::ScalarType type) const {
    on_cuda_ ? at::autocast::set_autocast_gpu_dtype(type) : at::autocast::set_autocast_cpu_dtype(type);
  }
  void SetEnabled(bool enabled) const {
    on_cuda_ ? at::autocast::set_enabled(enabled) : at::autocast::set_cpu_enabled(enabled);
  }
#endif

  const bool on_cuda_;
  const bool active_;
};

// Keeps small gradients of float16 from becoming 0 (Micikevicius et al., arXiv 1710.03740). The loss is multiplied by a factor, and
// the gradients are divided by it. A step whose gradients overflow must be skipped, and halves the factor. After many steps without
// overflow the factor doubles. It is 1 for other types.
class LossScale {
 public:
  explicit LossScale(AutocastType type) : is_used_(type == AutocastType::kFloat16) {}

  torch::Tensor Apply(const torch::Tensor& loss) const { return is_used_ ? loss * factor_ : loss; }

  // Divides the gradients by the factor. Returns false if they are not finite; the caller must then skip the step.
  bool Unscale(const std::vector<torch::Tensor>& parameters);

 private:
  const bool is_used_;
  double factor_ = 65'536;
  int good_steps_ = 0;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_AUTOCAST_H_
