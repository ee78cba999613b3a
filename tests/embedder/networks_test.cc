#include "embedder/torch/networks.h"

#include <torch/torch.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "embedder/torch/device.h"
#include "embedder/torch/state.h"
#include "tests/testing/status_matchers.h"

namespace semblance {
namespace {

using ::semblance::storage::v1::Architecture;
using ::semblance::storage::v1::Preprocessing;
using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Preprocessing Input(int side, int channels) {
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

Architecture Convnet(const std::vector<int>& channels, int convolutions) {
  Architecture architecture;
  for (const int count : channels) {
    architecture.mutable_small_convnet()->add_channels(count);
  }
  architecture.mutable_small_convnet()->set_convolutions_per_stage(convolutions);
  return architecture;
}

Architecture Resnet(int depth) {
  Architecture architecture;
  architecture.mutable_resnet()->set_depth(depth);
  return architecture;
}

EmbeddingNet Make(const Architecture& architecture, const Preprocessing& input, int dimension) {
  torch::manual_seed(1);
  absl::StatusOr<EmbeddingNet> net = NewEmbeddingNet(architecture, input, dimension);
  EXPECT_OK(net);
  return *std::move(net);
}

torch::Tensor RandomPixels(int count, const Preprocessing& input) {
  return torch::randint(0, 256, {count, input.crop_side(), input.crop_side(), input.channels()}, torch::kUInt8);
}

int64_t ParameterCount(const EmbeddingNet& net) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : net->parameters()) {
    count += parameter.numel();
  }
  return count;
}

// Gives batch norms something to do: statistics and weights that are not 0 and 1.
void Randomize(EmbeddingNet* net) {
  const torch::NoGradGuard no_grad;
  TensorMap state = StateOf(*net);
  for (auto& [name, tensor] : state) {
    const torch::Tensor value = ToTorchTensor(tensor);
    if (absl::StrContains(name, "running_var")) {
      tensor = ToHostTensor(torch::rand_like(value) + 0.5);
    } else if (absl::StrContains(name, "running_mean") || absl::StrContains(name, "bn")) {
      tensor = tensor.dtype == "F32" ? ToHostTensor(torch::rand_like(value) + 0.2) : tensor;
    }
  }
  ASSERT_OK(LoadState(*net, state));
}

// The names and shapes of torchvision.models.resnet18().state_dict(), without fc, from its published definition.
std::map<std::string, std::vector<int64_t>> TorchvisionResnet18() {
  std::map<std::string, std::vector<int64_t>> shapes;
  const auto add_norm = [&](const std::string& name, int64_t channels) {
    for (const char* suffix : {".weight", ".bias", ".running_mean", ".running_var"}) {
      shapes[name + suffix] = {channels};
    }
    shapes[name + ".num_batches_tracked"] = {};
  };
  shapes["conv1.weight"] = {64, 3, 7, 7};
  add_norm("bn1", 64);
  const std::vector<int64_t> widths = {64, 128, 256, 512};
  for (size_t layer = 0; layer < widths.size(); ++layer) {
    const int64_t width = widths[layer];
    for (const int block : {0, 1}) {
      const std::string name = "layer" + std::to_string(layer + 1) + "." + std::to_string(block);
      const int64_t in = block == 0 && layer > 0 ? widths[layer - 1] : width;
      shapes[name + ".conv1.weight"] = {width, in, 3, 3};
      add_norm(name + ".bn1", width);
      shapes[name + ".conv2.weight"] = {width, width, 3, 3};
      add_norm(name + ".bn2", width);
      if (in != width) {
        shapes[name + ".downsample.0.weight"] = {width, in, 1, 1};
        add_norm(name + ".downsample.1", width);
      }
    }
  }
  return shapes;
}

TEST(NetworksTest, Resnet18HasTorchvisionsNamesAndShapes) {
  const TensorMap state = StateOf(Make(Resnet(18), Input(64, 3), 64));

  std::map<std::string, std::vector<int64_t>> expected = TorchvisionResnet18();
  EXPECT_EQ(expected.size(), 120U);
  expected["head.weight"] = {64, 512};
  expected["head.bias"] = {64};
  std::map<std::string, std::vector<int64_t>> found;
  for (const auto& [name, tensor] : state) {
    found[name] = tensor.shape;
  }
  EXPECT_EQ(found, expected);
}

TEST(NetworksTest, ParameterCountsAreThoseOfTorchvisionWithAnotherHead) {
  // torchvision: 11,689,512 and 25,557,032 with heads of 513,000 and 2,049,000.
  EXPECT_EQ(ParameterCount(Make(Resnet(18), Input(64, 3), 64)), 11689512 - 513000 + 513 * 64);
  const EmbeddingNet resnet50 = Make(Resnet(50), Input(64, 3), 64);
  EXPECT_EQ(ParameterCount(resnet50), 25557032 - 2049000 + 2049 * 64);
  const TensorMap state = StateOf(resnet50);
  EXPECT_EQ(state.size(), 318u + 2u);
  EXPECT_THAT(state.at("layer1.0.downsample.0.weight").shape, ElementsAre(256, 64, 1, 1));
  EXPECT_THAT(state.at("layer4.2.conv3.weight").shape, ElementsAre(2048, 512, 1, 1));
}

TEST(NetworksTest, SmallConvnetHasItsStagesAndAFlattenedHead) {
  const TensorMap state = StateOf(Make(Convnet({8, 16}, 2), Input(29, 1), 10));

  EXPECT_EQ(state.size(), 4u * (1 + 5) + 2u);
  EXPECT_THAT(state.at("stage1.conv1.weight").shape, ElementsAre(8, 1, 3, 3));
  EXPECT_THAT(state.at("stage1.conv2.weight").shape, ElementsAre(8, 8, 3, 3));
  EXPECT_THAT(state.at("stage2.conv1.weight").shape, ElementsAre(16, 8, 3, 3));
  EXPECT_EQ(state.at("stage2.bn2.num_batches_tracked").dtype, "I64");
  EXPECT_THAT(state.at("head.weight").shape, ElementsAre(10, 16 * 7 * 7));
}

struct NetCase {
  const char* name;
  Architecture architecture;
  int side;
  int channels;
};

class EveryNetTest : public ::testing::TestWithParam<NetCase> {
 protected:
  EveryNetTest() : input_(Input(GetParam().side, GetParam().channels)), net_(Make(GetParam().architecture, input_, 12)) {}

  Preprocessing input_;
  EmbeddingNet net_;
};

TEST_P(EveryNetTest, GivesOneRowPerImageAndGradientsToEveryParameter) {
  const torch::Tensor out = net_->forward(RandomPixels(3, input_));

  EXPECT_EQ(out.sizes(), (std::vector<int64_t>{3, 12}));
  EXPECT_EQ(out.scalar_type(), torch::kFloat32);
  NormalizeRows(out).sum().backward();
  for (const auto& entry : net_->named_parameters()) {
    ASSERT_TRUE(entry.value().grad().defined()) << entry.key();
    ASSERT_TRUE(torch::isfinite(entry.value().grad()).all().item<bool>()) << entry.key();
  }
}

TEST_P(EveryNetTest, FoldingBatchNormChangesNothingButRounding) {
  Randomize(&net_);
  net_->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = RandomPixels(2, input_);
  const torch::Tensor before = NormalizeRows(net_->forward(pixels));

  net_->FoldForInference();

  const torch::Tensor after = NormalizeRows(net_->forward(pixels));
  EXPECT_LT((after - before).abs().max().item<float>(), 1e-4);
}

TEST_P(EveryNetTest, StateMovesToAnotherNetwork) {
  Randomize(&net_);
  net_->eval();
  torch::manual_seed(2);
  EmbeddingNet other = *NewEmbeddingNet(GetParam().architecture, input_, 12);
  other->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = RandomPixels(2, input_);
  ASSERT_FALSE(torch::equal(other->forward(pixels), net_->forward(pixels)));

  ASSERT_OK(LoadState(other, StateOf(net_)));

  EXPECT_TRUE(torch::equal(other->forward(pixels), net_->forward(pixels)));
}

INSTANTIATE_TEST_SUITE_P(Nets, EveryNetTest,
                         ::testing::Values(NetCase{"Convnet", Convnet({8, 16, 8}, 2), 28, 1},
                                           NetCase{"ConvnetOfOneStage", Convnet({4}, 1), 9, 3},
                                           NetCase{"Resnet18", Resnet(18), 64, 3}, NetCase{"GreyResnet18", Resnet(18), 40, 1},
                                           NetCase{"Resnet50", Resnet(50), 64, 3}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(NetworksTest, InputIsScaledAndNormalisedPerChannel) {
  // A network whose only stage copies red: a 3x3 convolution with 1 in the middle, and a batch norm that does nothing.
  Preprocessing input = Input(8, 3);
  input.set_crop_side(2);
  EmbeddingNet net = Make(Convnet({1}, 1), input, 1);
  net->eval();
  TensorMap state = StateOf(net);
  torch::Tensor kernel = torch::zeros({1, 3, 3, 3});
  kernel[0][0][1][1] = 1;
  state.at("stage1.conv1.weight") = ToHostTensor(kernel);
  state.at("head.weight") = ToHostTensor(torch::ones({1, 1}));
  state.at("head.bias") = ToHostTensor(torch::zeros({1}));
  ASSERT_OK(LoadState(net, state));
  const torch::NoGradGuard no_grad;

  const torch::Tensor red = torch::tensor({204, 0, 0}, torch::kUInt8).expand({1, 2, 2, 3});
  const float found = net->forward(red).item<float>();

  EXPECT_NEAR(found, (0.8 - 0.4) / 0.2, 1e-4);  // Batch norm's epsilon takes 5e-6.
}

TEST(NetworksTest, EqualSeedsGiveEqualNetworks) {
  const TensorMap a = StateOf(Make(Convnet({8}, 1), Input(16, 1), 4));
  const TensorMap b = StateOf(Make(Convnet({8}, 1), Input(16, 1), 4));

  for (const auto& [name, tensor] : a) {
    EXPECT_EQ(tensor.data, b.at(name).data) << name;
  }
}

TEST(NetworksTest, NormalizedRowsHaveUnitLengthAndZeroStaysZero) {
  const torch::Tensor rows = NormalizeRows(torch::tensor({{3.0F, 4.0F}, {0.0F, 0.0F}, {-2e-6F, 0.0F}}));

  EXPECT_TRUE(torch::allclose(rows, torch::tensor({{0.6F, 0.8F}, {0.0F, 0.0F}, {-1.0F, 0.0F}})));
}

TEST(NetworksTest, ArchitecturesOutOfRangeAreRefusedWithTheirField) {
  const auto status = [](const Architecture& architecture, int side = 32, int dimension = 8) {
    return NewEmbeddingNet(architecture, Input(side, 3), dimension).status();
  };

  EXPECT_THAT(status(Architecture()), HasField("architecture"));
  EXPECT_THAT(status(Resnet(34)), HasField("architecture.resnet.depth"));
  EXPECT_THAT(status(Convnet({}, 1)), HasReason("MANIFEST_INVALID"));
  EXPECT_THAT(status(Convnet({0}, 1)), HasField("architecture.small_convnet.channels"));
  EXPECT_THAT(status(Convnet({1 << 20}, 1)), HasField("architecture.small_convnet.channels"));
  EXPECT_THAT(status(Convnet({8}, 5)), HasField("architecture.small_convnet.convolutions_per_stage"));
  EXPECT_THAT(status(Convnet({8, 8, 8, 8, 8, 8}, 1)), HasField("architecture.small_convnet.channels"));
  EXPECT_THAT(status(Convnet({4096}, 1), 1024), HasReason("MANIFEST_INVALID"));
  EXPECT_THAT(status(Convnet({8}, 1), 32, 0), HasField("dimension"));
  EXPECT_THAT(status(Convnet({8}, 1), 32, 4097), HasField("dimension"));
}

TEST(StateTest, MisfitsAreNamedAndChangeNothing) {
  EmbeddingNet net = Make(Convnet({4}, 1), Input(8, 1), 2);
  const TensorMap before = StateOf(net);
  const auto load = [&](auto change) {
    TensorMap state = StateOf(Make(Convnet({4}, 1), Input(8, 1), 2));
    state.at("head.bias") = ToHostTensor(torch::full({2}, 7.0));
    change(&state);
    return LoadState(net, state);
  };
  const auto misfit = [](const char* text) {
    return AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("MANIFEST_INVALID"), StatusMessage(HasSubstr(text)));
  };

  EXPECT_THAT(load([](TensorMap* s) { s->erase("stage1.bn1.running_var"); }),
              misfit("tensor stage1.bn1.running_var is missing: the architecture needs F32[4]"));
  EXPECT_THAT(load([](TensorMap* s) {
                s->emplace("extra", HostTensor{"F32", {0}, ""});
              }),
              misfit("tensor extra F32[0] is unknown"));
  EXPECT_THAT(load([](TensorMap* s) {
                s->at("head.weight") = ToHostTensor(torch::zeros({2, 63}));
              }),
              misfit("tensor head.weight is F32[2, 63], but the architecture needs F32[2, 64]"));
  EXPECT_THAT(load([](TensorMap* s) { s->at("head.bias") = ToHostTensor(torch::zeros({2}, torch::kInt64)); }),
              misfit("tensor head.bias is I64[2], but the architecture needs F32[2]"));
  EXPECT_EQ(StateOf(net).at("head.bias").data, before.at("head.bias").data);
}

TEST(DeviceTest, NamesAreParsed) {
  ASSERT_OK_AND_ASSIGN(const torch::Device cpu, ParseDevice("cpu"));
  EXPECT_TRUE(cpu.is_cpu());
  EXPECT_OK(ParseDevice("auto"));
  EXPECT_OK(ParseDevice(""));
  for (const char* name : {"gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cuda:1000"}) {
    const absl::StatusOr<torch::Device> device = ParseDevice(name);
    EXPECT_THAT(device, StatusIs(absl::StatusCode::kInvalidArgument)) << name;
    EXPECT_THAT(device, HasField("device")) << name;
  }
}

TEST(DeviceTest, WhatLibTorchThrowsBecomesAStatus) {
  EXPECT_OK(CatchTorchErrors([] {}));
  EXPECT_THAT(CatchTorchErrors([] { torch::zeros({2}).view({3}); }), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(CatchTorchErrors([] { torch::empty({int64_t{1} << 50}); }), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace semblance
