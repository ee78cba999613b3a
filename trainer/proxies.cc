#include "trainer/proxies.h"

#include "embedder/torch/networks.h"

namespace semblance {

// Drawn on the CPU, so that every device starts from the same ones.
Proxies::Proxies(int64_t class_count, int64_t dimension, torch::Device device)
    : values_(NormalizeRows(torch::randn({class_count, dimension})).to(device).requires_grad_()) {}

void Proxies::Assign(const torch::Tensor& values) {
  const torch::NoGradGuard no_grad;
  values_.copy_(NormalizeRows(values));
}

}  // namespace semblance
