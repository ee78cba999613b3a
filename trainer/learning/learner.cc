#include "trainer/learning/learner.h"

#include <cmath>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/torch/device.h"
#include "trainer/learning/sync_batch_norm.h"
#include "trainer/learning/whitening.h"

namespace semblance::trainer {
namespace {

using v1::OptimizerConfig;

// Of the parameter groups of the optimiser. The head has its own two, so that the backbone can be frozen.
enum ParameterGroup { kBackboneDecayed, kBackboneNotDecayed, kHeadDecayed, kHeadNotDecayed, kProxies, kGroupCount };

bool IsOfHead(const std::string& name) {
  return absl::StartsWith(name, "head.");
}

std::unique_ptr<torch::optim::OptimizerOptions> OptionsOf(const OptimizerConfig& config, double weight_decay) {
  constexpr double kMomentum = 0.9;
  switch (config.kind()) {
    case OptimizerConfig::KIND_SGD:
      return std::make_unique<torch::optim::SGDOptions>(
          torch::optim::SGDOptions(config.learning_rate()).momentum(kMomentum).nesterov(true).weight_decay(weight_decay));
    case OptimizerConfig::KIND_RMSPROP:
      return std::make_unique<torch::optim::RMSpropOptions>(
          torch::optim::RMSpropOptions(config.learning_rate()).weight_decay(weight_decay));
    default:
      return std::make_unique<torch::optim::AdamWOptions>(
          torch::optim::AdamWOptions(config.learning_rate()).weight_decay(weight_decay));
  }
}

// In the order of ParameterGroup. Biases and batch norms are not decayed: they set scale and offset, not complexity.
std::vector<torch::optim::OptimizerParamGroup> ParameterGroups(const OptimizerConfig& config, const embedder::EmbeddingNet& net,
                                                               const Proxies* proxies) {
  std::vector<std::vector<torch::Tensor>> parameters(kGroupCount);
  for (const auto& entry : net->named_parameters()) {
    const bool is_decayed = entry.value().dim() > 1;
    const ParameterGroup group = IsOfHead(entry.key()) ? (is_decayed ? kHeadDecayed : kHeadNotDecayed)
                                                       : (is_decayed ? kBackboneDecayed : kBackboneNotDecayed);
    parameters[group].push_back(entry.value());
  }
  if (proxies != nullptr) {
    parameters[kProxies].push_back(proxies->values());
  }
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (int group = 0; group < kGroupCount; ++group) {
    const bool is_decayed = group == kBackboneDecayed || group == kHeadDecayed;
    groups.emplace_back(std::move(parameters[group]), OptionsOf(config, is_decayed ? config.weight_decay() : 0));
  }
  return groups;
}

std::unique_ptr<torch::optim::Optimizer> NewOptimizer(const OptimizerConfig& config, const embedder::EmbeddingNet& net,
                                                      const Proxies* proxies) {
  std::vector<torch::optim::OptimizerParamGroup> groups = ParameterGroups(config, net, proxies);
  switch (config.kind()) {
    case OptimizerConfig::KIND_SGD:
      return std::make_unique<torch::optim::SGD>(std::move(groups), torch::optim::SGDOptions(config.learning_rate()));
    case OptimizerConfig::KIND_RMSPROP:
      return std::make_unique<torch::optim::RMSprop>(std::move(groups));
    default:
      return std::make_unique<torch::optim::AdamW>(std::move(groups));
  }
}

embedder::EmbeddingNet OnDevice(embedder::EmbeddingNet net, torch::Device device) {
  net->to(device);
  net->train();
  return net;
}

}  // namespace

Learner::Learner(const v1::TrainingConfig& config, embedder::EmbeddingNet net, int64_t class_count, torch::Device device,
                 const Ranks* ranks)
    : config_(config),
      loss_(NewLoss(config.loss())),
      has_triplets_(class_count == 0),
      device_(device),
      ranks_(*ranks),
      autocast_(AutocastTypeOf(config.precision(), device)),
      net_(OnDevice(std::move(net), device)),
      proxies_(loss_->uses_proxies()
                   ? std::make_unique<Proxies>(config.proxies(), class_count, config.model().dimension(), config.seed(), device)
                   : nullptr),
      meter_(proxies_ == nullptr ? nullptr : std::make_unique<ProxyHealthMeter>(proxies_.get(), class_count)),
      optimizer_(NewOptimizer(config.optimizer(), net_, proxies_.get())),
      loss_scale_(autocast_) {
  if (!ranks_.is_alone()) {
    net_->SetTrainingNorms(
        [this](const torch::Tensor& x, torch::nn::BatchNorm2dImpl* norm) { return SyncBatchNorm(x, norm, ranks_); });
  }
}

torch::Tensor Learner::Embed(const torch::Tensor& inputs) {
  const Autocast autocast(device_, autocast_);
  if (config_.model().cache_features()) {
    return net_->Head(inputs);
  }
  torch::Tensor features;
  {
    const torch::AutoGradMode with_gradients(!is_frozen());
    features = net_->Backbone(inputs);
  }
  return net_->Head(features);
}

torch::Tensor Learner::ComputeLoss(const torch::Tensor& inputs, const torch::Tensor& labels, LossBatch* batch) {
  FillIn(ranks_.GatherWithGradient(Embed(inputs).to(torch::kFloat32)), labels, batch);
  return loss_->Compute(*batch);
}

// `embeddings` are those of all ranks, `labels` this one's.
void Learner::FillIn(const torch::Tensor& embeddings, const torch::Tensor& labels, LossBatch* batch) const {
  if (has_triplets_) {
    const torch::Tensor triplets = embeddings.view({-1, 3, embeddings.size(1)});
    batch->embeddings = triplets.select(1, 0);
    batch->positive_examples = triplets.select(1, 1);
    batch->negative_examples = triplets.select(1, 2);
  } else {
    batch->embeddings = embeddings;
    batch->labels = ranks_.Gather(labels);
  }
  if (!uses_proxies()) {
    return;
  }
  if (has_triplets_) {
    proxies_->MatchTriplets(batch);
  } else {
    proxies_->Match(batch);
  }
}

absl::StatusOr<float> Learner::Step(const torch::Tensor& inputs, const torch::Tensor& labels, double factor) {
  float loss_value = 0;
  SEMBLANCE_RETURN_IF_ERROR(embedder::CatchTorchErrors([&] {
    LossBatch batch;
    net_->train(!is_frozen());
    const torch::Tensor loss = ComputeLoss(inputs, labels, &batch);
    loss_value = loss.item<float>();
    if (!std::isfinite(loss_value)) {
      return;
    }
    DropGradients();
    loss_scale_.Apply(loss).backward();
    ranks_.ReduceGradients(net_->parameters(), uses_proxies() ? proxies_->values() : torch::Tensor());
    Move(factor, batch);
  }));
  if (!std::isfinite(loss_value)) {
    return absl::FailedPreconditionError(absl::StrCat("the loss is ", loss_value, "; a smaller optimizer.learning_rate may help"));
  }
  return loss_value;
}

// Not zeros: those of very many proxies would take memory during the backward pass.
void Learner::DropGradients() {
  for (auto& group : optimizer_->param_groups()) {
    for (torch::Tensor& parameter : group.params()) {
      parameter.mutable_grad() = torch::Tensor();
    }
  }
}

void Learner::Move(double factor, const LossBatch& batch) {
  if (uses_proxies()) {
    const v1::ProxyNcaConfig& lengths = config_.loss().proxy_nca();
    // Losses without lengths of their own are measured at those of the default.
    constexpr double kLength = 3;
    const bool has_lengths = config_.loss().has_proxy_nca() && lengths.embedding_scale() * lengths.proxy_scale() >= 1;
    meter_->Observe(batch, has_lengths ? lengths.embedding_scale() : kLength, has_lengths ? lengths.proxy_scale() : kLength);
  }
  std::vector<torch::Tensor> parameters = net_->parameters();
  if (uses_proxies()) {
    parameters.push_back(proxies_->values());
  }
  if (!loss_scale_.Unscale(parameters)) {
    return;
  }
  SetLearningRates(factor);
  optimizer_->step();
  if (uses_proxies()) {
    meter_->ObserveMoved();
    proxies_->Renormalize();
  }
}

absl::Status Learner::Whiten(const torch::Tensor& embeddings, double power) {
  return embedder::CatchTorchErrors([&] {
    const torch::NoGradGuard no_grad;
    const WhiteningTransform map = FitWhitening(embeddings, power);
    ApplyToHead(map, net_);
    if (!uses_proxies()) {
      return;
    }
    // A proxy is a direction; the point that it stands for lies as far out as the embeddings do.
    const torch::Tensor points = embeddings.norm(2, 1).mean() * proxies_->values().to(torch::kCPU);
    proxies_->Assign(map.Apply(points));
  });
}

void Learner::SetLearningRates(double factor) {
  const OptimizerConfig& config = config_.optimizer();
  auto& groups = optimizer_->param_groups();
  const double backbone = is_frozen() ? 0 : factor * config.learning_rate();
  groups[kBackboneDecayed].options().set_lr(backbone);
  groups[kBackboneNotDecayed].options().set_lr(backbone);
  groups[kHeadDecayed].options().set_lr(factor * config.learning_rate());
  groups[kHeadNotDecayed].options().set_lr(factor * config.learning_rate());
  groups[kProxies].options().set_lr(factor * config.proxy_learning_rate());
}

std::string Learner::OptimizerState() const {
  std::ostringstream stream;
  torch::save(*optimizer_, stream);
  return stream.str();
}

absl::Status Learner::LoadOptimizerState(const std::string& state) {
  const absl::Status status = embedder::CatchTorchErrors([&] {
    std::istringstream stream(state);
    torch::load(*optimizer_, stream);
  });
  return status.ok() ? status : absl::DataLossError(absl::StrCat("the state of the optimiser: ", status.message()));
}

}  // namespace semblance::trainer
