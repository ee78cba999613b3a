#include "embedder/torch/networks.h"

#include <ATen/autocast_mode.h>

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "common/status_macros.h"
#include "embedder/bundle/manifest.h"
#include "embedder/torch/bn_inception.h"
#include "embedder/torch/resnet.h"
#include "embedder/torch/script_backbone.h"
#include "embedder/torch/small_convnet.h"

namespace semblance::embedder {

using ::semblance::storage::v1::Architecture;
using ::semblance::storage::v1::Preprocessing;

EmbeddingNetImpl::EmbeddingNetImpl(const NetworkSpec& spec)
    : pooling_(PoolingOf(spec.architecture)), head_layer_norm_(spec.architecture.head_layer_norm()), dimension_(spec.dimension) {
  const std::vector<float> mean(spec.preprocessing.mean().begin(), spec.preprocessing.mean().end());
  const std::vector<float> std(spec.preprocessing.std().begin(), spec.preprocessing.std().end());
  const torch::Tensor std_tensor = torch::tensor(std);
  input_scale_ = register_buffer("input_scale", 1 / (255 * std_tensor));
  input_shift_ = register_buffer("input_shift", -torch::tensor(mean) / std_tensor);
}

void EmbeddingNetImpl::RegisterHead(int64_t inputs) {
  head_ = register_module("head", torch::nn::Linear(inputs, dimension_));
}

torch::Tensor EmbeddingNetImpl::forward(const torch::Tensor& pixels) {
  return Head(Backbone(pixels));
}

torch::Tensor EmbeddingNetImpl::Backbone(const torch::Tensor& pixels) {
  const torch::Tensor input = torch::addcmul(input_shift_, pixels.to(torch::kFloat32), input_scale_);
  // This is a view of the same memory: [N, channels, side, side] in channels-last layout.
  const torch::Tensor images = input.permute({0, 3, 1, 2});
  return Pool(TrainsInOnednnLayout(images) ? FeatureMap(images.to_mkldnn()).to_dense() : FeatureMap(images));
}

// Without AVX-512, oneDNN's convolutions are fastest in blocks of eight channels. On a Zen 3 a training step of ResNet-18 took 4.8
// s of CPU time in blocks, 6.0 s in channels-last layout, and 5.5 s in the default layout, which is converted to blocks and back
// for every convolution. With AVX-512 channels-last is faster than the default; blocks were not measured there.
bool EmbeddingNetImpl::TrainsInOnednnLayout(const torch::Tensor& input) const {
  static const bool has_avx512 = __builtin_cpu_supports("avx512f") != 0;
  return !has_avx512 && takes_onednn_layout() && is_training() && trains_plain_norms() && torch::GradMode::is_enabled() &&
         input.device().is_cpu() && at::hasMKLDNN() && !at::autocast::is_cpu_enabled();
}

torch::Tensor EmbeddingNetImpl::Head(const torch::Tensor& features) {
  const torch::Tensor input = head_layer_norm_ ? torch::layer_norm(features, {features.size(1)}) : features;
  return head_->forward(input).to(torch::kFloat32);
}

torch::Tensor EmbeddingNetImpl::Pool(const torch::Tensor& map) const {
  if (map.dim() == 2) {
    return map;
  }
  switch (pooling_) {
    case Architecture::POOLING_MAX:
      return map.amax({2, 3});
    case Architecture::POOLING_FLATTEN:
      // The order is channel, row, column, whatever the layout in memory is.
      return map.flatten(1);
    default:
      return map.mean({2, 3});
  }
}

std::vector<torch::Tensor> EmbeddingNetImpl::BackboneParameters() const {
  std::vector<torch::Tensor> parameters;
  for (const auto& entry : named_parameters()) {
    if (!absl::StartsWith(entry.key(), "head.")) {
      parameters.push_back(entry.value());
    }
  }
  return parameters;
}

std::vector<torch::Tensor> EmbeddingNetImpl::HeadParameters() const {
  return head_->parameters();
}

void EmbeddingNetImpl::FreezeBatchNorms() {
  for (const auto& module : modules()) {
    if (auto* foldable = dynamic_cast<ConvNormModule*>(module.get())) {
      foldable->FreezeBatchNorm();
    }
  }
}

void EmbeddingNetImpl::SetTrainingNorms(const TrainingNorm& norm) {
  for (const auto& module : modules()) {
    if (auto* normed = dynamic_cast<ConvNormModule*>(module.get())) {
      normed->SetTrainingNorm(norm);
    }
  }
}

void EmbeddingNetImpl::FoldForInference() {
  for (const auto& module : modules()) {
    if (auto* foldable = dynamic_cast<ConvNormModule*>(module.get())) {
      foldable->FoldBatchNorm();
    }
  }
}

absl::StatusOr<EmbeddingNet> NewEmbeddingNet(const Architecture& architecture, const Preprocessing& preprocessing, int dimension,
                                             absl::string_view script) {
  SEMBLANCE_RETURN_IF_ERROR(ValidateNetwork(architecture, preprocessing, dimension));
  const NetworkSpec spec = {architecture, preprocessing, dimension};
  switch (architecture.backbone_case()) {
    case Architecture::kResnet:
      return EmbeddingNet(NewResnet(spec));
    case Architecture::kBnInception:
      return EmbeddingNet(NewBnInception(spec));
    case Architecture::kTorchScript: {
      SEMBLANCE_ASSIGN_OR_RETURN(std::shared_ptr<EmbeddingNetImpl> net, NewScriptNet(spec, script));
      return EmbeddingNet(std::move(net));
    }
    default:
      return EmbeddingNet(NewSmallConvnet(spec));
  }
}

torch::Tensor NormalizeRows(const torch::Tensor& embeddings) {
  return torch::nn::functional::normalize(embeddings.to(torch::kFloat32),
                                          torch::nn::functional::NormalizeFuncOptions().p(2).dim(1));
}

}  // namespace semblance::embedder
