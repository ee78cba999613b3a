#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/file.h"
#include "embedder/bundle/bundle.h"
#include "embedder/embedder.h"
#include "embedder/torch/networks.h"
#include "embedder/torch/state.h"
#include "tests/embedder/bundle/bundle_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::testing::EncodeJpeg;
using ::semblance::testing::FloatTensor;
using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::NoiseImage;
using ::semblance::testing::SmallBundle;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::TempDir;
using ::testing::HasSubstr;

// A SmallBundle with the state of a real network.
Bundle TrainedBundle() {
  Bundle bundle = SmallBundle();
  torch::manual_seed(5);
  const EmbeddingNet net = *NewEmbeddingNet(bundle.manifest.architecture(), bundle.manifest.preprocessing(), 4);
  bundle.model = StateOf(net);
  // Gives batch norms statistics as after training.
  bundle.model.at("stage1.bn1.running_mean") = ToHostTensor(torch::linspace(-0.5, 0.5, 8));
  bundle.model.at("stage1.bn1.running_var") = ToHostTensor(torch::linspace(0.5, 2, 8));
  return bundle;
}

EmbedderOptions OnCpu() {
  EmbedderOptions options;
  options.device = "cpu";
  options.threads = 1;
  return options;
}

class TorchEmbedderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteBundle(path_, TrainedBundle()));
    ASSERT_OK_AND_ASSIGN(embedder_, NewTorchEmbedder(path_, OnCpu()));
  }

  std::vector<float> Embed(const std::vector<Image>& images) const {
    std::vector<float> out(images.size() * static_cast<size_t>(embedder_->dimension()));
    EXPECT_OK(embedder_->Embed(images, absl::MakeSpan(out)));
    return out;
  }

  static std::vector<Image> Inputs(int count) {
    std::vector<Image> images;
    for (int i = 0; i < count; ++i) {
      images.push_back(NoiseImage(16, 16, 1, static_cast<uint32_t>(i)));
    }
    return images;
  }

  TempDir directory_;
  const std::string path_ = directory_.Join("bundle");
  std::unique_ptr<Embedder> embedder_;
};

TEST_F(TorchEmbedderTest, DescribesItself) {
  EXPECT_EQ(embedder_->dimension(), 4);
  EXPECT_EQ(embedder_->device(), "cpu");
  EXPECT_EQ(embedder_->manifest().name(), "small");
  EXPECT_EQ(embedder_->preprocessor().config().crop_side(), 16);
}

TEST_F(TorchEmbedderTest, VectorsHaveUnitLength) {
  const std::vector<float> vectors = Embed(Inputs(7));
  for (size_t row = 0; row < 7; ++row) {
    double sum = 0;
    for (size_t i = 0; i < 4; ++i) {
      sum += double{vectors[row * 4 + i]} * vectors[row * 4 + i];
    }
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST_F(TorchEmbedderTest, ABatchEqualsItsImagesOneByOne) {
  const std::vector<Image> images = Inputs(9);
  const std::vector<float> batch = Embed(images);

  for (size_t i = 0; i < images.size(); ++i) {
    const std::vector<float> one = Embed({images[i]});
    for (size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(one[k], batch[i * 4 + k], 1e-5);
    }
  }
}

TEST_F(TorchEmbedderTest, AgreesWithTheNetworkInEvaluationMode) {
  const Bundle bundle = TrainedBundle();
  EmbeddingNet net = *NewEmbeddingNet(bundle.manifest.architecture(), bundle.manifest.preprocessing(), 4);
  ASSERT_OK(LoadState(net, bundle.model));
  net->eval();
  const torch::NoGradGuard no_grad;
  Image image = NoiseImage(16, 16, 1, 3);

  const std::vector<float> found = Embed({image});

  const torch::Tensor pixels = torch::from_blob(image.pixels.data(), {1, 16, 16, 1}, torch::kUInt8);
  const torch::Tensor expected = NormalizeRows(net->forward(pixels));
  for (int k = 0; k < 4; ++k) {
    EXPECT_NEAR(found[static_cast<size_t>(k)], expected[0][k].item<float>(), 1e-5);
  }
}

TEST_F(TorchEmbedderTest, ImagesOfAnySizeGoThroughItsPreprocessor) {
  ASSERT_OK_AND_ASSIGN(const Image image,
                       embedder_->preprocessor().DecodeAndPreprocess(EncodeJpeg(SmoothImage(200, 90, 3)), DecodeLimits()));

  EXPECT_EQ(Embed({image}).size(), 4u);
}

TEST_F(TorchEmbedderTest, ConcurrentCallsAgree) {
  const std::vector<Image> images = Inputs(5);
  const std::vector<float> expected = Embed(images);
  std::vector<std::vector<float>> found(4);
  std::vector<std::thread> threads;
  for (std::vector<float>& out : found) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        out = Embed(images);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  for (const std::vector<float>& out : found) {
    EXPECT_EQ(out, expected);
  }
}

TEST_F(TorchEmbedderTest, ImagesThatDidNotComeFromThePreprocessorAreRefused) {
  std::vector<float> out(4);
  const Image wrong = NoiseImage(15, 16, 1);

  EXPECT_THAT(embedder_->Embed({&wrong, 1}, absl::MakeSpan(out)), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(TorchEmbedderTest, TensorsThatDoNotFitTheArchitectureAreNamed) {
  Bundle bundle = TrainedBundle();
  bundle.model.at("head.bias") = FloatTensor({5}, {1, 2, 3, 4, 5});
  ASSERT_OK(WriteBundle(directory_.Join("misfit"), bundle));

  const auto embedder = NewTorchEmbedder(directory_.Join("misfit"), OnCpu());

  EXPECT_THAT(embedder, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(embedder, HasReason("MANIFEST_INVALID"));
  EXPECT_THAT(embedder, StatusMessage(HasSubstr("head.bias is F32[5], but the architecture needs F32[4]")));
}

TEST_F(TorchEmbedderTest, ANetworkThatGivesNanDoesNotLoad) {
  Bundle bundle = TrainedBundle();
  bundle.model.at("head.bias") = FloatTensor({4}, {NAN, 0, 0, 0});
  ASSERT_OK(WriteBundle(directory_.Join("nan"), bundle));

  const auto embedder = NewTorchEmbedder(directory_.Join("nan"), OnCpu());

  EXPECT_THAT(embedder, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(embedder, HasReason("MANIFEST_INVALID"));
}

TEST_F(TorchEmbedderTest, BadDevicesAndMissingBundlesAreErrors) {
  EmbedderOptions options;
  options.device = "abacus";

  EXPECT_THAT(NewTorchEmbedder(path_, options), HasField("device"));
  EXPECT_THAT(NewTorchEmbedder(directory_.Join("nowhere"), OnCpu()), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace semblance::embedder
