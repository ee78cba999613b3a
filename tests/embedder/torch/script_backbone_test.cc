#include "embedder/torch/script_backbone.h"

#include <torch/torch.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "embedder/bundle/bundle.h"
#include "embedder/embedder.h"
#include "embedder/torch/networks.h"
#include "embedder/torch/state.h"
#include "tests/embedder/bundle/bundle_fixture.h"
#include "tests/embedder/torch/script_program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Architecture;
using ::semblance::testing::HasReason;
using ::semblance::testing::NoiseImage;
using ::semblance::testing::ScriptProgram;
using ::semblance::testing::SmallBundle;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A SmallBundle for a program: gray images of 16 x 16 pixels, dimension 4.
Bundle ScriptBundle(Architecture::Pooling pooling = Architecture::POOLING_UNSPECIFIED) {
  Bundle bundle = SmallBundle();
  bundle.manifest.mutable_architecture()->mutable_torch_script();
  bundle.manifest.mutable_architecture()->set_pooling(pooling);
  return bundle;
}

absl::StatusOr<EmbeddingNet> NewNet(const std::string& program, Architecture::Pooling pooling = Architecture::POOLING_UNSPECIFIED) {
  torch::manual_seed(3);
  const auto manifest = ScriptBundle(pooling).manifest;
  return NewEmbeddingNet(manifest.architecture(), manifest.preprocessing(), manifest.dimension(), program);
}

std::string Source(const std::string& body) {
  return "def forward(self, x):\n  " + body + "\n";
}

torch::Tensor Pixels(int count) {
  return torch::randint(0, 256, {count, 16, 16, 1}, torch::kUInt8);
}

// Changes the program's parameters by a few steps.
void Train(EmbeddingNet net) {
  torch::optim::SGD optimizer(net->parameters(), 0.1);
  for (int i = 0; i < 5; ++i) {
    optimizer.zero_grad();
    (net->forward(Pixels(4)) - 1).square().sum().backward();
    optimizer.step();
  }
}

TEST(ScriptBackboneTest, LearnsWithTheHead) {
  ASSERT_OK_AND_ASSIGN(EmbeddingNet net, NewNet(ScriptProgram(1)));
  EXPECT_EQ(net->BackboneParameters().size(), 3u);
  EXPECT_EQ(net->HeadParameters().size(), 2u);
  std::vector<torch::Tensor> before;
  for (const torch::Tensor& parameter : net->parameters()) {
    before.push_back(parameter.detach().clone());
  }

  Train(net);

  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_FALSE(torch::equal(net->parameters()[i], before[i])) << net->named_parameters().keys()[i];
  }
}

TEST(ScriptBackboneTest, IsServedFromItsBundleAsItWasTrained) {
  ASSERT_OK_AND_ASSIGN(EmbeddingNet net, NewNet(ScriptProgram(1)));
  Train(net);
  net->eval();
  const TempDir directory;
  Bundle bundle = ScriptBundle();
  bundle.model = StateOf(net);
  bundle.backbone = net->SerializeScript();
  EXPECT_EQ(bundle.model.size(), 2u);  // The state has only the head.
  ASSERT_OK(WriteBundle(directory.Join("bundle"), bundle));

  EmbedderOptions options;
  options.device = "cpu";
  options.threads = 1;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Embedder> embedder, NewTorchEmbedder(directory.Join("bundle"), options));

  Image image = NoiseImage(16, 16, 1, 3);
  const torch::NoGradGuard no_grad;
  const torch::Tensor expected = NormalizeRows(net->forward(torch::from_blob(image.pixels.data(), {1, 16, 16, 1}, torch::kUInt8)));
  for (int round = 0; round < 3; ++round) {  // LibTorch compiles the program during the first calls.
    std::vector<float> found(4);
    ASSERT_OK(embedder->Embed({&image, 1}, absl::MakeSpan(found)));
    for (int k = 0; k < 4; ++k) {
      EXPECT_NEAR(found[static_cast<size_t>(k)], expected[0][k].item<float>(), 1e-6);
    }
  }
}

TEST(ScriptBackboneTest, RestoresEveryBitFromItsFile) {
  ASSERT_OK_AND_ASSIGN(EmbeddingNet net, NewNet(ScriptProgram(1)));
  Train(net);

  ASSERT_OK_AND_ASSIGN(EmbeddingNet back, NewNet(net->SerializeScript()));

  ASSERT_OK(LoadState(back, StateOf(net)));
  net->eval();
  back->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = Pixels(3);
  EXPECT_TRUE(torch::equal(net->forward(pixels), back->forward(pixels)));
  for (const torch::Tensor& parameter : back->BackboneParameters()) {
    EXPECT_TRUE(parameter.requires_grad());
  }
  EXPECT_EQ(net->SerializeScript(), net->SerializeScript());
}

TEST(ScriptBackboneTest, FollowsTheModeOfTheNetwork) {
  ASSERT_OK_AND_ASSIGN(EmbeddingNet net, NewNet(ScriptProgram(1)));
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = Pixels(4);
  net->eval();
  const torch::Tensor evaluated = net->forward(pixels);

  EXPECT_TRUE(torch::equal(net->forward(pixels), evaluated));
  net->train();
  EXPECT_FALSE(torch::allclose(net->forward(pixels), evaluated));
}

TEST(ScriptBackboneTest, FreezesItsBatchNorms) {
  ASSERT_OK_AND_ASSIGN(EmbeddingNet net, NewNet(ScriptProgram(1)));
  const torch::Tensor pixels = Pixels(4);
  net->FreezeBatchNorms();
  net->eval();
  const torch::Tensor evaluated = net->forward(pixels);

  net->train();

  EXPECT_TRUE(torch::allclose(net->forward(pixels), evaluated));
  int learning = 0;
  for (const torch::Tensor& parameter : net->BackboneParameters()) {
    learning += parameter.requires_grad() ? 1 : 0;
  }
  EXPECT_EQ(learning, 1);
}

TEST(ScriptBackboneTest, PoolsMapsAsConfigured) {
  const std::string program = ScriptProgram(1, Source("return torch.conv2d(x, self.weight, stride=4)"));
  const auto inputs = [&](Architecture::Pooling pooling) {
    const absl::StatusOr<EmbeddingNet> net = NewNet(program, pooling);
    EXPECT_OK(net);
    return StateOf(*net).at("head.weight").shape;
  };

  EXPECT_THAT(inputs(Architecture::POOLING_UNSPECIFIED), ElementsAre(4, 6));
  EXPECT_THAT(inputs(Architecture::POOLING_MAX), ElementsAre(4, 6));
  EXPECT_THAT(inputs(Architecture::POOLING_FLATTEN), ElementsAre(4, 6 * 4 * 4));
}

TEST(ScriptBackboneTest, RefusesProgramsThatGiveNoFeatures) {
  const auto refused = [](const std::string& text) {
    return AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("MANIFEST_INVALID"), StatusMessage(HasSubstr(text)));
  };
  const auto load = [](const std::string& body) { return NewNet(ScriptProgram(1, Source(body))); };

  EXPECT_THAT(NewNet(""), refused("is no file of torch.jit.save"));
  EXPECT_THAT(NewNet("no program"), refused("is no file of torch.jit.save"));
  EXPECT_THAT(load("return x.mean()"), refused("gives Float [] for float32 [2, 1, 16, 16]"));
  EXPECT_THAT(load("return x.mean(0)"), refused("expected float32 [2, features] or [2, features, height, width]"));
  EXPECT_THAT(load("return x.flatten(1).double()"), refused("gives Double [2, 256]"));
  EXPECT_THAT(load("return (x, x)"), refused("gives a Tuple"));
  EXPECT_THAT(load("return x.repeat([1, 70000, 1, 1])"), refused("gives 70000 features; expected 1 to 65536"));
  EXPECT_THAT(NewNet(ScriptProgram(3)), refused("fails on float32 [2, 1, 16, 16]"));
}

TEST(ScriptBackboneTest, RefusesTruncatedFiles) {
  const std::string program = ScriptProgram(1);
  for (size_t i = 0; i < program.size(); i += 97) {
    EXPECT_FALSE(NewNet(program.substr(0, i)).ok()) << i;
  }
}

}  // namespace
}  // namespace semblance::embedder
