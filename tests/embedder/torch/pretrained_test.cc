#include "embedder/torch/pretrained.h"

#include <torch/torch.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "embedder/torch/state.h"
#include "tests/embedder/bundle/bundle_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Architecture;
using ::semblance::storage::v1::Preprocessing;
using ::semblance::testing::SmallBundle;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

// The network of tests/embedder/data has one stage of two channels.
Architecture SmallArchitecture() {
  Architecture architecture;
  architecture.mutable_small_convnet()->add_channels(2);
  architecture.mutable_small_convnet()->set_convolutions_per_stage(1);
  return architecture;
}

EmbeddingNet NewNet(const Architecture& architecture, int channels = 1, int seed = 1) {
  Preprocessing input = SmallBundle().manifest.preprocessing();
  input.set_crop_side(8);
  input.set_channels(channels);
  for (int c = 1; c < channels; ++c) {
    input.add_mean(0);
    input.add_std(1);
  }
  torch::manual_seed(seed);
  return NewEmbeddingNet(architecture, input, 4).value();
}

class PretrainedFileTest : public ::testing::TestWithParam<const char*> {};

TEST_P(PretrainedFileTest, ComesIntoTheNetworkByName) {
  EmbeddingNet net = NewNet(SmallArchitecture());
  const TensorMap before = StateOf(net);
  ASSERT_OK_AND_ASSIGN(const TensorMap weights, ReadWeights(absl::StrCat(SEMBLANCE_TEST_DATA, "/", GetParam())));

  ASSERT_OK_AND_ASSIGN(const PretrainedReport report, LoadPretrained(weights, /*is_bgr=*/false, net));

  EXPECT_EQ(report.taken, 6);
  EXPECT_EQ(report.ignored, 2);
  for (const auto& [name, tensor] : StateOf(net)) {
    EXPECT_EQ(tensor.data, (weights.count(name) > 0 ? weights : before).at(name).data) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, PretrainedFileTest, ::testing::Values("small_convnet.pth", "small_convnet_legacy.pth"),
                         [](const auto& test) { return absl::StrCat("File", test.index); });

TEST(PretrainedTest, SafetensorsAreToldApartByContent) {
  const TempDir directory;
  const EmbeddingNet trained = NewNet(SmallArchitecture(), 1, 2);
  ASSERT_OK(WriteFileAtomically(directory.Join("weights"), SerializeSafetensors(StateOf(trained))));
  EmbeddingNet net = NewNet(SmallArchitecture());

  ASSERT_OK_AND_ASSIGN(const TensorMap weights, ReadWeights(directory.Join("weights")));
  ASSERT_OK_AND_ASSIGN(const PretrainedReport report, LoadPretrained(weights, /*is_bgr=*/false, net));

  EXPECT_EQ(report.taken, 6);
  const TensorMap state = StateOf(net);
  EXPECT_EQ(state.at("stage1.conv1.weight").data, weights.at("stage1.conv1.weight").data);
  EXPECT_NE(state.at("head.weight").data, weights.at("head.weight").data);
}

TEST(PretrainedTest, TurnsTheFirstConvolutionOfABgrNetworkAround) {
  const EmbeddingNet trained = NewNet(SmallArchitecture(), 3, 2);
  EmbeddingNet net = NewNet(SmallArchitecture(), 3);

  ASSERT_OK(LoadPretrained(StateOf(trained), /*is_bgr=*/true, net));

  EXPECT_TRUE(
      torch::equal(net->named_parameters()["stage1.conv1.weight"], trained->named_parameters()["stage1.conv1.weight"].flip(1)));
}

TEST(PretrainedTest, BnInceptionTakesTheFormOfItsPublishedWeights) {
  Architecture architecture;
  architecture.mutable_bn_inception();
  Preprocessing input = SmallBundle().manifest.preprocessing();
  input.set_resize_side(32);
  input.set_crop_side(32);
  EmbeddingNet net = NewEmbeddingNet(architecture, input, 4).value();
  TensorMap weights;
  for (const auto& [name, tensor] : StateOf(net)) {
    // The file has no counters, its batch norms have the shape [1, C], and it has another head. It was saved from several devices
    // at once.
    if (tensor.dtype == "F32" && name.rfind("head", 0) != 0) {
      HostTensor& published = weights["module." + name] = tensor;
      if (name.find("_bn.") != std::string::npos) {
        published.shape.insert(published.shape.begin(), 1);
      }
    }
  }
  weights["module.last_linear.weight"] = ToHostTensor(torch::zeros({10, 1024}));

  ASSERT_OK_AND_ASSIGN(const PretrainedReport report, LoadPretrained(weights, /*is_bgr=*/false, net));

  EXPECT_EQ(report.taken, 69 * 6);
  EXPECT_EQ(report.ignored, 1);
}

TEST(PretrainedTest, MisfitsAreCountedAndNamedAndChangeNothing) {
  const TensorMap good = StateOf(NewNet(SmallArchitecture(), 1, 2));
  EmbeddingNet net = NewNet(SmallArchitecture());
  const TensorMap before = StateOf(net);
  const auto load = [&](auto change) {
    TensorMap weights = good;
    change(&weights);
    return LoadPretrained(weights, /*is_bgr=*/false, net);
  };
  const auto misfit = [](const char* text) {
    return AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr(text)));
  };

  EXPECT_THAT(load([](TensorMap* w) { w->erase("stage1.bn1.running_var"); }),
              misfit("1 tensor is missing (stage1.bn1.running_var)"));
  EXPECT_THAT(load([](TensorMap* w) { w->clear(); }),
              misfit("5 tensors are missing (stage1.bn1.bias, stage1.bn1.running_mean, stage1.bn1.running_var, ...)"));
  EXPECT_THAT(load([](TensorMap* w) { w->emplace("layer1.weight", ToHostTensor(torch::zeros({1}))); }),
              misfit("1 tensor is unknown to the network (layer1.weight)"));
  EXPECT_THAT(load([](TensorMap* w) {
                w->at("stage1.conv1.weight") = ToHostTensor(torch::zeros({2, 3, 3, 3}));
              }),
              misfit("stage1.conv1.weight is F32[2, 3, 3, 3], but the network needs F32[2, 1, 3, 3]"));
  for (const auto& [name, tensor] : StateOf(net)) {
    EXPECT_EQ(tensor.data, before.at(name).data) << name;
  }
}

TEST(PretrainedTest, AFileThatIsNotThereOrHoldsNothingIsAnError) {
  const TempDir directory;
  ASSERT_OK(WriteFileAtomically(directory.Join("text"), "no weights"));

  EXPECT_THAT(ReadWeights(directory.Join("nowhere")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ReadWeights(directory.Join("text")), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace semblance::embedder
