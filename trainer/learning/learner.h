// Trains the network and the proxies, one step of the optimizer at a time.
//
// Not thread-safe. Owns its tensors; the network handle is shared with the caller.
#ifndef SEMBLANCE_TRAINER_LEARNING_LEARNER_H_
#define SEMBLANCE_TRAINER_LEARNING_LEARNER_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "embedder/torch/networks.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/learning/autocast.h"
#include "trainer/losses/loss.h"
#include "trainer/proxies/proxies.h"
#include "trainer/proxies/proxy_health.h"
#include "trainer/ranks/ranks.h"

namespace semblance::trainer {

class Learner {
 public:
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  // Moves the network to the device and, if the loss is on proxies, draws them. `ranks` must outlive the learner. All ranks must be
  // given equal networks and generators of random numbers. class_count is 0 if the data are triplets. REQUIRES: a validated config;
  // class_count is not 1. Errors: InvalidArgument with the field when there is no such loss (see NewLoss).
  static absl::StatusOr<std::unique_ptr<Learner>> Create(const v1::TrainingConfig& config, embedder::EmbeddingNet net,
                                                         int64_t class_count, torch::Device device, const Ranks* ranks);

  // Takes one step with the optimizer's learning rates times `factor`. Returns the loss before the step, over the batches of all
  // ranks together. `inputs` are pixels, or with model.cache_features the outputs of the backbone; inputs and `labels` are on the
  // device. For triplets, `inputs` are the anchor, the positive and the negative of each triplet, one after another, over all ranks
  // together, and `labels` are ignored. Errors: FailedPrecondition when the loss is not finite, and then no step is taken; errors
  // of LibTorch.
  absl::StatusOr<float> Step(const torch::Tensor& inputs, const torch::Tensor& labels, double factor);

  // While `frozen`, steps change only the head and the proxies, and batch norms keep their statistics.
  void FreezeBackbone(bool frozen) { backbone_is_frozen_ = frozen; }

  // Evens out the variance of the embedding's axes (see whitening.h), and moves the proxies accordingly. `embeddings`, [N, D] on
  // the CPU, are outputs of the network, not normalized. Call it after the last step. Errors: those of LibTorch.
  absl::Status Whiten(const torch::Tensor& embeddings, double power);

  // Measurements of the proxies since the last call. REQUIRES: uses_proxies().
  ProxyHealth TakeHealth() { return meter_->Take(); }
  bool uses_proxies() const { return proxies_ != nullptr; }
  // See LossOnProxies. False for a loss without proxies.
  bool moves_every_proxy() const;

  // The optimizer's own state (moments, counts), for a checkpoint. Loading restores it exactly. Errors: DataLoss.
  std::string OptimizerState() const;
  absl::Status LoadOptimizerState(const std::string& state);

  const embedder::EmbeddingNet& net() const { return net_; }
  // REQUIRES: uses_proxies().
  Proxies& proxies() { return *proxies_; }
  const Proxies& proxies() const { return *proxies_; }
  torch::Device device() const { return device_; }
  const Ranks& ranks() const { return ranks_; }

 private:
  // The embeddings of all ranks, with what the data says about them.
  using Examples = std::variant<PairBatch, TripletBatch>;

  struct Parts {
    Loss loss;
    embedder::EmbeddingNet net;
    int64_t class_count;
    torch::Device device;
    const Ranks* ranks;
  };

  Learner(const v1::TrainingConfig& config, Parts parts);

  torch::Tensor Embed(const torch::Tensor& inputs);
  Examples ExamplesOf(const torch::Tensor& embeddings, const torch::Tensor& labels) const;
  ProxyBatch Match(const Examples& examples) const;
  torch::Tensor ComputeLoss(const Examples& examples, const ProxyBatch& matched) const;
  bool is_frozen() const { return backbone_is_frozen_ || config_.model().freeze_backbone(); }
  void SetLearningRates(double factor);
  void DropGradients();
  void MeasureProxies(const Examples& examples, const ProxyBatch& matched);
  void ApplyGradients(double factor);

  const v1::TrainingConfig config_;
  const Loss loss_;
  const bool has_triplets_;
  const torch::Device device_;
  const Ranks& ranks_;
  const AutocastType autocast_;
  embedder::EmbeddingNet net_;
  // Both are null for a loss without proxies.
  const std::unique_ptr<Proxies> proxies_;
  const std::unique_ptr<ProxyHealthMeter> meter_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  LossScale loss_scale_;
  bool backbone_is_frozen_ = false;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_LEARNER_H_
