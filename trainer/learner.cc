#include "trainer/learner.h"

#include <cmath>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/torch/device.h"
#include "trainer/autocast.h"
#include "trainer/whitening.h"

namespace semblance {
namespace {

// Of the parameter groups of the optimiser.
enum ParameterGroup { kDecayed, kNotDecayed, kProxies };

ProxyNcaOptions LossOptionsOf(const v1::ProxyNcaConfig& config) {
  ProxyNcaOptions options;
  options.denominator = config.denominator() == v1::ProxyNcaConfig::DENOMINATOR_NEGATIVES ? ProxyNcaOptions::Denominator::kNegatives
                                                                                          : ProxyNcaOptions::Denominator::kAll;
  options.embedding_scale = config.embedding_scale();
  options.proxy_scale = config.proxy_scale();
  return options;
}

torch::optim::OptimizerParamGroup Group(std::vector<torch::Tensor> parameters, double weight_decay) {
  return {std::move(parameters),
          std::make_unique<torch::optim::AdamWOptions>(torch::optim::AdamWOptions().weight_decay(weight_decay))};
}

// In the order of ParameterGroup. Biases and batch norms are not decayed: they set scale and offset, not complexity.
std::vector<torch::optim::OptimizerParamGroup> ParameterGroups(const EmbeddingNet& net, const Proxies& proxies,
                                                               double weight_decay) {
  std::vector<torch::Tensor> decayed;
  std::vector<torch::Tensor> not_decayed;
  for (const torch::Tensor& parameter : net->parameters()) {
    (parameter.dim() > 1 ? decayed : not_decayed).push_back(parameter);
  }
  return {Group(decayed, weight_decay), Group(not_decayed, 0), Group({proxies.values()}, 0)};
}

EmbeddingNet OnDevice(EmbeddingNet net, torch::Device device) {
  net->to(device);
  net->train();
  return net;
}

}  // namespace

Learner::Learner(const v1::TrainingConfig& config, EmbeddingNet net, int64_t class_count, torch::Device device)
    : config_(config.optimizer()),
      loss_options_(LossOptionsOf(config.loss())),
      device_(device),
      net_(OnDevice(std::move(net), device)),
      proxies_(class_count, config.model().dimension(), device),
      optimizer_(ParameterGroups(net_, proxies_, config_.weight_decay())) {}

absl::StatusOr<float> Learner::Step(const torch::Tensor& pixels, const torch::Tensor& labels, double factor) {
  float loss_value = 0;
  SEMBLANCE_RETURN_IF_ERROR(CatchTorchErrors([&] {
    const torch::Tensor embeddings = [&] {
      const Autocast autocast(device_);
      return net_->forward(pixels);
    }();
    const torch::Tensor loss = ProxyNcaLoss(embeddings, proxies_.values(), labels, loss_options_);
    loss_value = loss.item<float>();
    if (!std::isfinite(loss_value)) {
      return;
    }
    optimizer_.zero_grad();
    loss.backward();
    SetLearningRates(factor);
    optimizer_.step();
    proxies_.Renormalize();
  }));
  if (!std::isfinite(loss_value)) {
    return absl::FailedPreconditionError(absl::StrCat("the loss is ", loss_value, "; a smaller optimizer.learning_rate may help"));
  }
  return loss_value;
}

absl::Status Learner::Whiten(const torch::Tensor& embeddings, double power) {
  return CatchTorchErrors([&] {
    const torch::NoGradGuard no_grad;
    const AffineMap map = FitWhitening(embeddings, power);
    ApplyToHead(map, net_);
    // A proxy is a direction; the point that it stands for lies as far out as the embeddings do.
    const torch::Tensor points = embeddings.norm(2, 1).mean() * proxies_.values().to(torch::kCPU);
    proxies_.Assign(map.Apply(points));
  });
}

void Learner::SetLearningRates(double factor) {
  auto& groups = optimizer_.param_groups();
  groups[kDecayed].options().set_lr(factor * config_.learning_rate());
  groups[kNotDecayed].options().set_lr(factor * config_.learning_rate());
  groups[kProxies].options().set_lr(factor * config_.proxy_learning_rate());
}

}  // namespace semblance
