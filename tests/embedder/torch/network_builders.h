// Architectures and networks for tests.
#ifndef SEMBLANCE_TESTS_EMBEDDER_TORCH_NETWORK_BUILDERS_H_
#define SEMBLANCE_TESTS_EMBEDDER_TORCH_NETWORK_BUILDERS_H_

#include <torch/torch.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "embedder/torch/networks.h"
#include "embedder/torch/state.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {

using storage::v1::Architecture;
using storage::v1::Preprocessing;

inline Preprocessing Input(int side, int channels) {
  Preprocessing input;
  input.set_resize(Preprocessing::RESIZE_STRETCH);
  input.set_resize_side(side);
  input.set_crop_side(side);
  input.set_channels(channels);
  for (int c = 0; c < channels; ++c) {
    input.add_mean(0.4F + 0.1F * static_cast<float>(c));
    input.add_std(0.2F + 0.05F * static_cast<float>(c));
  }
  return input;
}

inline Architecture Convnet(const std::vector<int>& channels, int convolutions) {
  Architecture architecture;
  for (const int count : channels) {
    architecture.mutable_small_convnet()->add_channels(count);
  }
  architecture.mutable_small_convnet()->set_convolutions_per_stage(convolutions);
  return architecture;
}

inline Architecture Resnet(int depth) {
  Architecture architecture;
  architecture.mutable_resnet()->set_depth(depth);
  return architecture;
}

inline Architecture NarrowResnet18() {
  Architecture architecture = Resnet(18);
  architecture.mutable_resnet()->set_base_width(16);
  architecture.mutable_resnet()->set_small_image_stem(true);
  return architecture;
}

inline Architecture BnInception() {
  Architecture architecture;
  architecture.mutable_bn_inception();
  return architecture;
}

inline Architecture WithPooling(Architecture architecture, Architecture::Pooling pooling, bool head_layer_norm = false) {
  architecture.set_pooling(pooling);
  architecture.set_head_layer_norm(head_layer_norm);
  return architecture;
}

inline embedder::EmbeddingNet Make(const Architecture& architecture, const Preprocessing& input, int dimension) {
  torch::manual_seed(1);
  absl::StatusOr<embedder::EmbeddingNet> net = embedder::NewEmbeddingNet(architecture, input, dimension);
  EXPECT_OK(net);
  return *std::move(net);
}

inline torch::Tensor RandomPixels(int count, const Preprocessing& input) {
  return torch::randint(0, 256, {count, input.crop_side(), input.crop_side(), input.channels()}, torch::kUInt8);
}

inline int64_t ParameterCount(const embedder::EmbeddingNet& net) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : net->parameters()) {
    count += parameter.numel();
  }
  return count;
}

// Gives batch norms something to compute: statistics and weights that are not 0 and 1.
inline void Randomize(embedder::EmbeddingNet* net) {
  const torch::NoGradGuard no_grad;
  embedder::TensorMap state = embedder::StateOf(*net);
  for (auto& [name, tensor] : state) {
    const torch::Tensor value = embedder::ToTorchTensor(tensor);
    const bool is_bias_of_conv = absl::StartsWith(name, "inception") && absl::EndsWith(name, ".bias");
    if (absl::StrContains(name, "running_var")) {
      tensor = embedder::ToHostTensor(torch::rand_like(value) + 0.5);
    } else if (absl::StrContains(name, "running_mean") || absl::StrContains(name, "bn") || is_bias_of_conv) {
      tensor = tensor.dtype == "F32" ? embedder::ToHostTensor(torch::rand_like(value) + 0.2) : tensor;
    }
  }
  ASSERT_OK(embedder::LoadState(*net, state));
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_EMBEDDER_TORCH_NETWORK_BUILDERS_H_
