// Mixed precision on CUDA for the life of the object: matrix products and convolutions in bfloat16, which needs no loss scaling.
// Does nothing on other devices. The loss and the proxies stay in float32: end the scope before them.
//
// Not thread-safe: changes the state of the calling thread; nest, do not interleave.
#ifndef SEMBLANCE_TRAINER_AUTOCAST_H_
#define SEMBLANCE_TRAINER_AUTOCAST_H_

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

namespace semblance {

class Autocast {
 public:
  explicit Autocast(torch::Device device) : active_(device.is_cuda()) {
    if (active_) {
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
  static void SetEnabled(bool enabled) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCUDA, enabled);
#else
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
    at::autocast::set_enabled(enabled);
#endif
  }

  const bool active_;
};

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_AUTOCAST_H_
