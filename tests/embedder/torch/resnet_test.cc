#include "embedder/torch/resnet.h"

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "embedder/torch/state.h"
#include "tests/embedder/torch/network_builders.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

using storage::v1::Architecture;
using ::testing::ElementsAre;
using testing::Input;
using testing::Make;
using testing::NarrowResnet18;
using testing::ParameterCount;
using testing::Resnet;

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

TEST(ResnetTest, HasTorchvisionsNamesAndShapes) {
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

TEST(ResnetTest, HasTheParameterCountsOfTorchvisionWithAnotherHead) {
  // torchvision has 11,689,512 and 25,557,032 parameters, of which 513,000 and 2,049,000 are in the heads.
  EXPECT_EQ(ParameterCount(Make(Resnet(18), Input(64, 3), 64)), 11689512 - 513000 + 513 * 64);
  const EmbeddingNet resnet50 = Make(Resnet(50), Input(64, 3), 64);
  EXPECT_EQ(ParameterCount(resnet50), 25557032 - 2049000 + 2049 * 64);
  const TensorMap state = StateOf(resnet50);
  EXPECT_EQ(state.size(), 318u + 2u);
  EXPECT_THAT(state.at("layer1.0.downsample.0.weight").shape, ElementsAre(256, 64, 1, 1));
  EXPECT_THAT(state.at("layer4.2.conv3.weight").shape, ElementsAre(2048, 512, 1, 1));
}

TEST(ResnetTest, ScalesEveryLayerWithTheBaseWidth) {
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

}  // namespace
}  // namespace semblance::embedder
