// What learns: the network, the proxies and their optimiser, one step at a time.
//
// Not thread-safe. Owns its tensors; the network handle is shared with the caller.
#ifndef SEMBLANCE_TRAINER_LEARNING_LEARNER_H_
#define SEMBLANCE_TRAINER_LEARNING_LEARNER_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "embedder/torch/networks.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/learning/autocast.h"
#include "trainer/learning/proxies.h"
#include "trainer/learning/proxy_health.h"
#include "trainer/learning/ranks.h"
#include "trainer/losses/loss.h"

namespace semblance::trainer {

class Learner {
 public:
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  // Moves the network to the device and draws the proxies, if the loss has any. `ranks` must outlive the learner; all ranks must be
  // given equal networks and generators of random numbers. class_count 0: the data are triplets. REQUIRES: a validated config;
  // class_count is not 1.
  Learner(const v1::TrainingConfig& config, embedder::EmbeddingNet net, int64_t class_count, torch::Device device,
          const Ranks* ranks);

  // One step of the optimiser with its learning rates times `factor`; returns the loss before it, of the batches of all ranks
  // together. `inputs` are pixels, or with model.cache_features features of the backbone; they and `labels` are on the device. Of
  // triplets, `inputs` are the anchor, the positive and the negative of each, one after another, over the ranks together, and
  // `labels` are not looked at. Errors: FailedPrecondition when the loss is not finite: no step is taken; LibTorch's.
  absl::StatusOr<float> Step(const torch::Tensor& inputs, const torch::Tensor& labels, double factor);

  // While `frozen`, steps change the head and the proxies alone, and batch norms keep their statistics.
  void FreezeBackbone(bool frozen) { backbone_is_frozen_ = frozen; }

  // Evens out the axes of the embedding (see whitening.h); proxies move along. `embeddings`, [N, D] on the CPU, are outputs of the
  // network, not normalised. For after the last step. Errors: LibTorch's.
  absl::Status Whiten(const torch::Tensor& embeddings, double power);

  // What the proxies did since the last call. REQUIRES: uses_proxies().
  ProxyHealth TakeHealth() { return meter_->Take(); }
  bool uses_proxies() const { return proxies_ != nullptr; }
  bool moves_every_proxy() const { return loss_->moves_every_proxy(); }

  // The optimiser's own state (moments, counts), for a checkpoint; restored exactly. Errors: DataLoss.
  std::string OptimizerState() const;
  absl::Status LoadOptimizerState(const std::string& state);

  const embedder::EmbeddingNet& net() const { return net_; }
  // REQUIRES: uses_proxies().
  Proxies& proxies() { return *proxies_; }
  const Proxies& proxies() const { return *proxies_; }
  torch::Device device() const { return device_; }
  const Ranks& ranks() const { return ranks_; }

 private:
  torch::Tensor Embed(const torch::Tensor& inputs);
  torch::Tensor ComputeLoss(const torch::Tensor& inputs, const torch::Tensor& labels, LossBatch* batch);
  void FillIn(const torch::Tensor& embeddings, const torch::Tensor& labels, LossBatch* batch) const;
  bool is_frozen() const { return backbone_is_frozen_ || config_.model().freeze_backbone(); }
  void SetLearningRates(double factor);
  void DropGradients();
  void Move(double factor, const LossBatch& batch);

  const v1::TrainingConfig config_;
  const std::unique_ptr<Loss> loss_;
  const bool has_triplets_;
  const torch::Device device_;
  const Ranks& ranks_;
  const AutocastType autocast_;
  embedder::EmbeddingNet net_;
  // Null for a loss without proxies, both.
  const std::unique_ptr<Proxies> proxies_;
  const std::unique_ptr<ProxyHealthMeter> meter_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  LossScale loss_scale_;
  bool backbone_is_frozen_ = false;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_LEARNER_H_
