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

namespace semblance::embedder {
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

Architecture NarrowResnet18() {
  Architecture architecture = Resnet(18);
  architecture.mutable_resnet()->set_base_width(16);
  architecture.mutable_resnet()->set_small_image_stem(true);
  return architecture;
}

Architecture BnInception() {
  Architecture architecture;
  architecture.mutable_bn_inception();
  return architecture;
}

Architecture WithPooling(Architecture architecture, Architecture::Pooling pooling, bool head_layer_norm = false) {
  architecture.set_pooling(pooling);
  architecture.set_head_layer_norm(head_layer_norm);
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
    const bool is_bias_of_conv = absl::StartsWith(name, "inception") && absl::EndsWith(name, ".bias");
    if (absl::StrContains(name, "running_var")) {
      tensor = ToHostTensor(torch::rand_like(value) + 0.5);
    } else if (absl::StrContains(name, "running_mean") || absl::StrContains(name, "bn") || is_bias_of_conv) {
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

TEST(NetworksTest, BnInceptionHasTheNamesShapesAndSizeOfItsPort) {
  const EmbeddingNet net = Make(BnInception(), Input(64, 3), 64);
  const TensorMap state = StateOf(net);

  // The port: 11,295,240 with a head of 1,025,000.
  EXPECT_EQ(ParameterCount(net), 11295240 - 1025000 + 1025 * 64);
  EXPECT_EQ(state.size(), 69u * (2 + 5) + 2u);
  const std::map<std::string, std::vector<int64_t>> expected = {
      {"conv1_7x7_s2.weight", {64, 3, 7, 7}},
      {"conv1_7x7_s2.bias", {64}},
      {"conv1_7x7_s2_bn.running_var", {64}},
      {"conv2_3x3_reduce.weight", {64, 64, 1, 1}},
      {"conv2_3x3.weight", {192, 64, 3, 3}},
      {"inception_3a_1x1.weight", {64, 192, 1, 1}},
      {"inception_3b_double_3x3_1.weight", {96, 64, 3, 3}},
      {"inception_3c_3x3.weight", {160, 128, 3, 3}},
      {"inception_4a_1x1.weight", {224, 576, 1, 1}},
      {"inception_4d_pool_proj.weight", {128, 608, 1, 1}},
      {"inception_4e_double_3x3_2_bn.bias", {256}},
      {"inception_5a_3x3_reduce.weight", {192, 1056, 1, 1}},
      {"inception_5b_double_3x3_reduce.bias", {192}},
      {"inception_5b_pool_proj.weight", {128, 1024, 1, 1}},
  };
  for (const auto& [name, shape] : expected) {
    ASSERT_EQ(state.count(name), 1u) << name;
    EXPECT_EQ(state.at(name).shape, shape) << name;
  }
  EXPECT_EQ(state.count("inception_3c_1x1.weight") + state.count("inception_4e_pool_proj.weight"), 0u);
}

TEST(NetworksTest, ABaseWidthScalesEveryLayerOfAResnet) {
  const TensorMap state = StateOf(Make(NarrowResnet18(), Input(32, 3), 8));

  EXPECT_EQ(state.size(), 122u);
  EXPECT_THAT(state.at("conv1.weight").shape, ElementsAre(16, 3, 3, 3));
  EXPECT_THAT(state.at("layer1.0.conv1.weight").shape, ElementsAre(16, 16, 3, 3));
  EXPECT_THAT(state.at("layer4.1.conv2.weight").shape, ElementsAre(128, 128, 3, 3));
  EXPECT_THAT(state.at("head.weight").shape, ElementsAre(8, 128));
  Architecture wide = Resnet(50);
  wide.mutable_resnet()->set_base_width(128);
  EXPECT_THAT(StateOf(Make(wide, Input(32, 3), 8)).at("head.weight").shape, ElementsAre(8, 4096));
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

// Training lets some networks compute in oneDNN's layout, and none whose batch norms are somebody else's.
TEST_P(EveryNetTest, TrainsAlikeInEveryLayout) {
  EmbeddingNet other = *NewEmbeddingNet(GetParam().architecture, input_, 12);
  ASSERT_OK(LoadState(other, StateOf(net_)));
  other->SetTrainingNorms([](const torch::Tensor& x, torch::nn::BatchNorm2dImpl* norm) { return norm->forward(x.contiguous()); });
  const torch::Tensor pixels = RandomPixels(16, input_);
  const torch::Tensor weights = torch::randn({16, 12});

  const torch::Tensor out = NormalizeRows(net_->forward(pixels));
  const torch::Tensor other_out = NormalizeRows(other->forward(pixels));
  (out * weights).sum().backward();
  (other_out * weights).sum().backward();

  const auto expect_close = [](const torch::Tensor& one, const torch::Tensor& two, float share, const std::string& name) {
    EXPECT_LE((one - two).norm().item<float>(), share * two.norm().item<float>() + 2e-3F) << name;
  };
  expect_close(out, other_out, 1e-3F, "embeddings");
  for (const auto& entry : net_->named_buffers()) {
    expect_close(entry.value().to(torch::kFloat32), other->named_buffers()[entry.key()].to(torch::kFloat32), 1e-3F, entry.key());
  }
  // Wider: where rounding takes a value to the other side of zero, ReLU lets a gradient through or not. (Of biases before a batch
  // norm, in BN-Inception, it is rounding alone: at most 0.001 in all.)
  for (const auto& entry : net_->named_parameters()) {
    expect_close(entry.value().grad(), other->named_parameters()[entry.key()].grad(), 5e-2F, entry.key());
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

TEST_P(EveryNetTest, IsItsHeadAfterItsBackbone) {
  net_->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = RandomPixels(2, input_);

  const torch::Tensor features = net_->Backbone(pixels);

  EXPECT_EQ(features.dim(), 2);
  EXPECT_TRUE(torch::equal(net_->Head(features), net_->forward(pixels)));
  std::vector<torch::Tensor> parameters = net_->BackboneParameters();
  for (const torch::Tensor& parameter : net_->HeadParameters()) {
    parameters.push_back(parameter);
  }
  const std::vector<torch::Tensor> all = net_->parameters();
  ASSERT_EQ(parameters.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(parameters[i].is_same(all[i]));
  }
}

TEST_P(EveryNetTest, FrozenBatchNormsNeitherCountNorLearn) {
  net_->FreezeBatchNorms();
  net_->train();
  const TensorMap before = StateOf(net_);
  const torch::Tensor pixels = RandomPixels(2, input_);

  const torch::Tensor out = net_->forward(pixels);

  net_->eval();
  EXPECT_TRUE(torch::equal(out, net_->forward(pixels)));
  net_->train();
  out.sum().backward();
  for (const auto& [name, tensor] : StateOf(net_)) {
    EXPECT_EQ(tensor.data, before.at(name).data) << name;
  }
  int learning = 0;
  for (const auto& entry : net_->named_parameters()) {
    const bool is_norm = absl::StrContains(entry.key(), "bn") || absl::StrContains(entry.key(), "downsample.1");
    EXPECT_NE(entry.value().grad().defined(), is_norm) << entry.key();
    learning += is_norm ? 0 : 1;
  }
  EXPECT_GT(learning, 0);
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

INSTANTIATE_TEST_SUITE_P(
    Nets, EveryNetTest,
    ::testing::Values(NetCase{"Convnet", Convnet({8, 16, 8}, 2), 28, 1}, NetCase{"ConvnetOfOneStage", Convnet({4}, 1), 9, 3},
                      NetCase{"Resnet18", Resnet(18), 64, 3}, NetCase{"GrayResnet18", Resnet(18), 40, 1},
                      NetCase{"NarrowResnet18", NarrowResnet18(), 32, 3}, NetCase{"Resnet50", Resnet(50), 64, 3},
                      NetCase{"BnInception", BnInception(), 64, 3},
                      NetCase{"PooledConvnet", WithPooling(Convnet({8, 16}, 1), Architecture::POOLING_AVERAGE), 15, 1},
                      NetCase{"ProxyNcaPlusPlus", WithPooling(NarrowResnet18(), Architecture::POOLING_MAX, true), 32, 3}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(NetworksTest, InputIsScaledAndNormalizedPerChannel) {
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

// A network whose features are the pixels: as above, without batch norm to speak of, and a head that passes them on.
torch::Tensor PooledFeatures(Architecture::Pooling pooling) {
  Preprocessing input = Input(8, 1);
  input.set_crop_side(4);
  input.set_mean(0, 0);
  input.set_std(0, 1);
  EmbeddingNet net = Make(WithPooling(Convnet({1}, 1), pooling), input, 1);
  net->eval();
  const torch::NoGradGuard no_grad;
  torch::Tensor kernel = torch::zeros({1, 1, 3, 3});
  kernel[0][0][1][1] = 1;
  net->named_parameters()["stage1.conv1.weight"].copy_(kernel);
  // 2x2 max pooling of it: 6, 8, 14, 16.
  const torch::Tensor pixels = torch::arange(1, 17, torch::kUInt8).view({1, 4, 4, 1});
  return 255 * net->Backbone(pixels).squeeze(0);
}

TEST(NetworksTest, PoolingTakesAllTheMeanOrTheLargest) {
  const auto is_near = [](const torch::Tensor& found, const torch::Tensor& expected) {
    return found.sizes() == expected.sizes() && torch::allclose(found, expected, 1e-4);
  };
  const torch::Tensor all = torch::tensor({6.0F, 8.0F, 14.0F, 16.0F});

  EXPECT_TRUE(is_near(PooledFeatures(Architecture::POOLING_FLATTEN), all));
  EXPECT_TRUE(is_near(PooledFeatures(Architecture::POOLING_UNSPECIFIED), all));
  EXPECT_TRUE(is_near(PooledFeatures(Architecture::POOLING_AVERAGE), torch::tensor({11.0F})));
  EXPECT_TRUE(is_near(PooledFeatures(Architecture::POOLING_MAX), torch::tensor({16.0F})));
}

TEST(NetworksTest, LayerNormMakesTheHeadBlindToScaleAndOffsetOfItsInput) {
  const Preprocessing input = Input(16, 1);
  EmbeddingNet plain = Make(Convnet({8}, 1), input, 4);
  EmbeddingNet normed = Make(WithPooling(Convnet({8}, 1), Architecture::POOLING_UNSPECIFIED, true), input, 4);
  const torch::NoGradGuard no_grad;
  const torch::Tensor features = plain->Backbone(RandomPixels(2, input));

  EXPECT_TRUE(torch::allclose(normed->Head(features), normed->Head(3 * features + 2), 1e-3, 1e-4));
  EXPECT_FALSE(torch::allclose(plain->Head(features), plain->Head(3 * features + 2), 1e-3, 1e-4));
  EXPECT_EQ(StateOf(normed).size(), StateOf(plain).size());
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
  Architecture thin = Resnet(18);
  thin.mutable_resnet()->set_base_width(4);
  EXPECT_THAT(status(thin), HasField("architecture.resnet.base_width"));
  EXPECT_THAT(status(WithPooling(Resnet(18), Architecture::POOLING_FLATTEN)), HasField("architecture.pooling"));
  EXPECT_THAT(status(WithPooling(Resnet(18), static_cast<Architecture::Pooling>(9))), HasField("architecture.pooling"));
  for (const int side : {8, 48, 72}) {
    EXPECT_THAT(status(BnInception(), side), HasField("preprocessing.crop_side")) << side;
  }
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
}  // namespace semblance::embedder
