#include "trainer/learning/feature_cache.h"

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "config/training_config.h"
#include "dataset/png_encoder.h"
#include "tests/testing/status_matchers.h"
#include "tests/trainer/data/memory_dataset.h"
#include "trainer/learning/input_batches.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using testing::GrayPreprocessing;
using testing::HasField;
using ::testing::HasSubstr;
using testing::MemoryDataset;
using testing::StatusIs;
using testing::StatusMessage;

constexpr int kImageCount = 300;  // More than the features of one batch.
constexpr int64_t kWidth = 64;    // Four channels, 4 x 4 positions.

v1::TrainingConfig CachedConfig() {
  v1::TrainingConfig config;
  config.mutable_model()->set_input_side(8);
  config.mutable_model()->set_input_channels(1);
  config.mutable_model()->set_dimension(3);
  config.mutable_model()->add_convnet_channels(4);
  config.mutable_model()->set_freeze_backbone(true);
  config.mutable_model()->set_cache_features(true);
  return config::WithDefaults(config);
}

class FeatureCacheTest : public ::testing::Test {
 protected:
  FeatureCacheTest() {
    std::vector<int64_t> indices;
    for (int i = 0; i < kImageCount; ++i) {
      std::string pixels;
      for (int pixel = 0; pixel < 64; ++pixel) {
        pixels.push_back(static_cast<char>(3 * pixel + 5 * i));
      }
      dataset_.Add(std::to_string(i), i % 2 == 0 ? "a" : "b", dataset::Split::kTrain, dataset::EncodeGrayPng(pixels, 8, 8).value());
      indices.push_back(i);
      labels_.push_back(i % 2);
    }
    ImageStoreOptions options;
    options.stop = stop_.get_token();
    const embedder::Preprocessor preprocessor = embedder::Preprocessor::Create(GrayPreprocessing()).value();
    store_ = ImageStore::Load(&dataset_, indices, preprocessor, options, "test").value();
    nothing_ = ImageStore::Load(&dataset_, {}, preprocessor, options, "test").value();
  }

  std::unique_ptr<Learner> NewLearner(const v1::TrainingConfig& config) const {
    torch::manual_seed(1);
    const auto& model = config.model();
    return Learner::Create(
               config,
               embedder::NewEmbeddingNet(config::ArchitectureOf(model), config::PreprocessingOf(model), model.dimension()).value(),
               /*class_count=*/2, torch::kCPU, ranks_.get())
        .value();
  }

  std::stop_source stop_;
  MemoryDataset dataset_;
  std::vector<int64_t> labels_;
  std::unique_ptr<ImageStore> store_;
  std::unique_ptr<ImageStore> nothing_;
  const std::unique_ptr<Ranks> ranks_ = Ranks::Join({}, torch::kCPU).value();
};

TEST_F(FeatureCacheTest, HoldsWhatTheBackboneMakesOfEachImage) {
  const auto learner = NewLearner(CachedConfig());
  LabeledImages train = {store_.get(), &labels_, {}};
  LabeledImages validation;
  LabeledImages test = {nothing_.get(), &labels_, {}};

  ASSERT_OK(CacheFeatures(CachedConfig(), *learner, stop_.get_token(), {&train, &validation, &test}));

  EXPECT_THAT(train.features.sizes().vec(), ElementsAre(kImageCount, kWidth));
  EXPECT_FALSE(validation.features.defined());
  EXPECT_FALSE(test.features.defined());
  embedder::EmbeddingNet net = learner->net();
  EXPECT_TRUE(net->is_training());
  net->eval();
  const torch::NoGradGuard no_grad;
  LabeledImages uncached = {store_.get(), &labels_, {}};
  InputBatches images(uncached, {{299, 0, 7}}, {}, torch::kCPU);
  InputBatches features(train, {{299, 0, 7}}, {}, torch::kCPU);
  ASSERT_OK_AND_ASSIGN(const auto image_batch, images.Next());
  ASSERT_OK_AND_ASSIGN(const auto feature_batch, features.Next());
  EXPECT_THAT(feature_batch->positions, ElementsAre(299, 0, 7));
  EXPECT_TRUE(torch::allclose(feature_batch->inputs, net->Backbone(image_batch->inputs), 1e-5, 1e-6));
  EXPECT_FALSE(torch::allclose(feature_batch->inputs[0], feature_batch->inputs[1]));
  ASSERT_OK_AND_ASSIGN(const auto end, features.Next());
  EXPECT_FALSE(end.has_value());
}

TEST_F(FeatureCacheTest, IsRefusedWhereItDoesNotFit) {
  v1::TrainingConfig config = CachedConfig();
  const auto learner = NewLearner(config);
  constexpr int64_t kBytes = kImageCount * kWidth * 4;
  LabeledImages train = {store_.get(), &labels_, {}};

  config.mutable_data()->set_max_cached_bytes(kBytes - 1);
  const absl::Status status = CacheFeatures(config, *learner, stop_.get_token(), {&train});
  EXPECT_THAT(status, HasField("data.max_cached_bytes"));
  EXPECT_THAT(status, StatusMessage(HasSubstr("takes 76800 for 300 images with 64 features each")));
  EXPECT_FALSE(train.features.defined());

  config.mutable_data()->set_max_cached_bytes(kBytes);
  EXPECT_OK(CacheFeatures(config, *learner, stop_.get_token(), {&train}));
}

TEST_F(FeatureCacheTest, StopsWhenAsked) {
  const auto learner = NewLearner(CachedConfig());
  LabeledImages train = {store_.get(), &labels_, {}};
  stop_.request_stop();

  EXPECT_THAT(CacheFeatures(CachedConfig(), *learner, stop_.get_token(), {&train}), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(FeatureCacheTest, KeepsFloat32WhateverTheNetworkComputesIn) {
  v1::TrainingConfig config = CachedConfig();
  LabeledImages exact = {store_.get(), &labels_, {}};
  ASSERT_OK(CacheFeatures(config, *NewLearner(config), stop_.get_token(), {&exact}));
  config.set_precision(v1::TrainingConfig::PRECISION_BFLOAT16);
  const auto learner = NewLearner(config);
  LabeledImages train = {store_.get(), &labels_, {}};

  ASSERT_OK(CacheFeatures(config, *learner, stop_.get_token(), {&train}));

  EXPECT_TRUE(torch::equal(train.features, exact.features));
  const torch::Tensor head = learner->net()->HeadParameters()[0].detach().clone();
  EXPECT_OK(learner->Step(train.features, torch::tensor(labels_, torch::kInt64), 1));
  EXPECT_FALSE(torch::equal(learner->net()->HeadParameters()[0], head));
}

}  // namespace
}  // namespace semblance::trainer
