#include "trainer/learning/learner.h"

#include <cmath>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "config/field_rules.h"
#include "embedder/torch/device.h"
#include "trainer/learning/whitening.h"
#include "trainer/losses/new_loss.h"
#include "trainer/ranks/sync_batch_norm.h"

namespace semblance::trainer {
namespace {

using v1::OptimizerConfig;

// The parameter groups of the optimizer. The head has two groups of its own, so that the backbone can be frozen.
enum ParameterGroup { kBackboneDecayed, kBackboneNotDecayed, kHeadDecayed, kHeadNotDecayed, kProxies, kGroupCount };

bool BelongsToHead(const std::string& name) {
  return absl::StartsWith(name, "head.");
}

// The lengths of Proxy-NCA. For other losses, and for lengths that have no bound, these are the lengths of Proxy-NCA when none are
// set.
BoundLengths LengthsOf(const v1::LossConfig& loss) {
  v1::ProxyNcaConfig config;
  if (loss.has_proxy_nca() && loss.proxy_nca().embedding_scale() * loss.proxy_nca().proxy_scale() >= 1) {
    config = loss.proxy_nca();
  }
  config::FillDefaults(&config);
  return {.embedding_scale = config.embedding_scale(), .proxy_scale = config.proxy_scale()};
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

// One group for each ParameterGroup, in that order. Biases and batch norms are not decayed, because they set the scale and the
// offset and not the complexity of the network.
std::vector<torch::optim::OptimizerParamGroup> ParameterGroups(const OptimizerConfig& config, const embedder::EmbeddingNet& net,
                                                               const Proxies* proxies) {
  std::vector<std::vector<torch::Tensor>> parameters(kGroupCount);
  for (const auto& entry : net->named_parameters()) {
    const bool is_decayed = entry.value().dim() > 1;
    const ParameterGroup group = BelongsToHead(entry.key()) ? (is_decayed ? kHeadDecayed : kHeadNotDecayed)
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

bool IsOnProxies(const Loss& loss) {
  return std::holds_alternative<std::unique_ptr<const LossOnProxies>>(loss);
}

embedder::EmbeddingNet OnDevice(embedder::EmbeddingNet net, torch::Device device) {
  net->to(device);
  net->train();
  return net;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Learner>> Learner::Create(const v1::TrainingConfig& config, embedder::EmbeddingNet net,
                                                         int64_t class_count, torch::Device device, const Ranks* ranks) {
  const Supervision supervision = class_count == 0 ? Supervision::kTriplets : Supervision::kClasses;
  SEMBLANCE_ASSIGN_OR_RETURN(Loss loss, NewLoss(config.loss(), supervision));
  return std::unique_ptr<Learner>(new Learner(config, {std::move(loss), std::move(net), class_count, device, ranks}));
}

Learner::Learner(const v1::TrainingConfig& config, Parts parts)
    : config_(config),
      loss_(std::move(parts.loss)),
      has_triplets_(parts.class_count == 0),
      device_(parts.device),
      ranks_(*parts.ranks),
      autocast_(AutocastTypeOf(config.precision(), device_)),
      net_(OnDevice(std::move(parts.net), device_)),
      proxies_(IsOnProxies(loss_) ? std::make_unique<Proxies>(config.proxies(), parts.class_count, config.model().dimension(),
                                                              config.seed(), device_)
                                  : nullptr),
      meter_(proxies_ == nullptr ? nullptr : std::make_unique<ProxyHealthMeter>(proxies_.get(), parts.class_count)),
      optimizer_(NewOptimizer(config.optimizer(), net_, proxies_.get())),
      loss_scale_(autocast_) {
  if (!ranks_.is_alone()) {
    net_->SetTrainingNorms(
        [this](const torch::Tensor& x, torch::nn::BatchNorm2dImpl* norm) { return SyncBatchNorm(x, norm, ranks_); });
  }
}

bool Learner::moves_every_proxy() const {
  const auto* const loss = std::get_if<std::unique_ptr<const LossOnProxies>>(&loss_);
  return loss != nullptr && (*loss)->moves_every_proxy();
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

// `embeddings` are those of all ranks, and `labels` are those of this rank.
Learner::Examples Learner::ExamplesOf(const torch::Tensor& embeddings, const torch::Tensor& labels) const {
  if (!has_triplets_) {
    return PairBatch{embeddings, ranks_.Gather(labels)};
  }
  const torch::Tensor triplets = embeddings.view({-1, 3, embeddings.size(1)});
  return TripletBatch{triplets.select(1, 0), triplets.select(1, 1), triplets.select(1, 2)};
}

// Returns an empty batch for a loss without proxies.
ProxyBatch Learner::Match(const Examples& examples) const {
  return uses_proxies() ? std::visit([this](const auto& batch) { return proxies_->Match(batch); }, examples) : ProxyBatch();
}

// NewLoss has checked that the loss fits the examples.
torch::Tensor Learner::ComputeLoss(const Examples& examples, const ProxyBatch& matched) const {
  if (const auto* const loss = std::get_if<std::unique_ptr<const LossOnProxies>>(&loss_)) {
    return (*loss)->Compute(matched);
  }
  if (const auto* const loss = std::get_if<std::unique_ptr<const LossOnPairs>>(&loss_)) {
    return (*loss)->Compute(std::get<PairBatch>(examples));
  }
  return std::get<std::unique_ptr<const LossOnTriplets>>(loss_)->Compute(std::get<TripletBatch>(examples));
}

absl::StatusOr<float> Learner::Step(const torch::Tensor& inputs, const torch::Tensor& labels, double factor) {
  float loss_value = 0;
  SEMBLANCE_RETURN_IF_ERROR(embedder::CatchTorchErrors([&] {
    net_->train(!is_frozen());
    const Examples examples = ExamplesOf(ranks_.GatherWithGradient(Embed(inputs).to(torch::kFloat32)), labels);
    const ProxyBatch matched = Match(examples);
    const torch::Tensor loss = ComputeLoss(examples, matched);
    loss_value = loss.item<float>();
    if (!std::isfinite(loss_value)) {
      return;
    }
    DropGradients();
    loss_scale_.Apply(loss).backward();
    ranks_.ReduceGradients(net_->parameters(), uses_proxies() ? proxies_->values() : torch::Tensor());
    MeasureProxies(examples, matched);
    ApplyGradients(factor);
  }));
  if (!std::isfinite(loss_value)) {
    return absl::FailedPreconditionError(absl::StrCat("the loss is ", loss_value, "; a smaller optimizer.learning_rate may help"));
  }
  return loss_value;
}

// Removes the gradients instead of filling them with zeros. The zeros of very many proxies would take memory during the backward
// pass.
void Learner::DropGradients() {
  for (auto& group : optimizer_->param_groups()) {
    for (torch::Tensor& parameter : group.params()) {
      parameter.mutable_grad() = torch::Tensor();
    }
  }
}

void Learner::MeasureProxies(const Examples& examples, const ProxyBatch& matched) {
  if (!uses_proxies()) {
    return;
  }
  if (const auto* const triplets = std::get_if<TripletBatch>(&examples)) {
    meter_->Observe(*triplets);
    return;
  }
  meter_->Observe(std::get<PairBatch>(examples), matched, LengthsOf(config_.loss()));
}

void Learner::ApplyGradients(double factor) {
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
    // A proxy is a direction. The point that it represents is as far from the origin as the embeddings are.
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
  return status.ok() ? status : absl::DataLossError(absl::StrCat("the state of the optimizer: ", status.message()));
}

}  // namespace semblance::trainer
