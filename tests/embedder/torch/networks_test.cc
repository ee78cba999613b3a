#include "embedder/torch/networks.h"

#include <torch/torch.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "embedder/torch/state.h"
#include "tests/embedder/torch/network_builders.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using storage::v1::Architecture;
using storage::v1::Preprocessing;
using testing::BnInception;
using testing::Convnet;
using testing::HasField;
using testing::HasReason;
using testing::Input;
using testing::Make;
using testing::NarrowResnet18;
using testing::Randomize;
using testing::RandomPixels;
using testing::Resnet;
using testing::WithPooling;

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

// In training, some networks compute in oneDNN's layout, unless their batch norms are replaced.
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
  // The tolerance of gradients is wider, because rounding can move a value to the other side of zero, where ReLU blocks its
  // gradient. (In BN-Inception, the gradients of biases before a batch norm are only rounding errors, at most 0.001 in all.)
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
  // The only stage of this network copies red: a 3x3 convolution with 1 in the middle, and a batch norm that changes nothing.
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

  EXPECT_NEAR(found, (0.8 - 0.4) / 0.2, 1e-4);  // Batch norm's epsilon changes it by 5e-6.
}

// Returns the features of a network whose convolution copies the pixels, as above. Its batch norm changes almost nothing.
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
  // 2x2 max pooling of these pixels gives 6, 8, 14, 16.
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

}  // namespace
}  // namespace semblance::embedder
