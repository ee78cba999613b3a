// What learns: the network, the proxies and their optimiser, one step at a time.
//
// Not thread-safe. Owns its tensors; the network handle is shared with the caller.
#ifndef SEMBLANCE_TRAINER_LEARNER_H_
#define SEMBLANCE_TRAINER_LEARNER_H_

#include <torch/torch.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "embedder/torch/networks.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/proxies.h"
#include "trainer/proxy_nca.h"

namespace semblance {

class Learner {
 public:
  // Moves the network to the device and draws the proxies. REQUIRES: a validated config; class_count >= 2.
  Learner(const v1::TrainingConfig& config, EmbeddingNet net, int64_t class_count, torch::Device device);

  // One step of both optimisers with their learning rates times `factor`; returns the loss before it. `pixels` and `labels` are on
  // the device. Errors: FailedPrecondition when the loss is not finite: no step is taken; LibTorch's.
  absl::StatusOr<float> Step(const torch::Tensor& pixels, const torch::Tensor& labels, double factor);

  // Evens out the axes of the embedding (see whitening.h); proxies move along. `embeddings`, [N, D] on the CPU, are outputs of the
  // network, not normalised. For after the last step. Errors: LibTorch's.
  absl::Status Whiten(const torch::Tensor& embeddings, double power);

  const EmbeddingNet& net() const { return net_; }
  const torch::Tensor& proxies() const { return proxies_.values(); }
  torch::Device device() const { return device_; }

 private:
  void SetLearningRates(double factor);

  const v1::OptimizerConfig config_;
  const ProxyNcaOptions loss_options_;
  const torch::Device device_;
  EmbeddingNet net_;
  Proxies proxies_;
  torch::optim::AdamW optimizer_;
};

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_LEARNER_H_
