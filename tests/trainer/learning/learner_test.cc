#include "trainer/learning/learner.h"

#include <torch/torch.h>

#include <limits>
#include <memory>

#include "config/training_config.h"
#include "tests/testing/status_matchers.h"
#include "tests/trainer/learning/small_learner.h"
#include "trainer/learning/snapshot.h"

namespace semblance::trainer {
namespace {

using testing::SmallConfig;
using testing::StatusIs;

const Ranks& Alone() {
  static const std::unique_ptr<Ranks> alone = Ranks::Join({}, torch::kCPU).value();
  return *alone;
}

std::unique_ptr<Learner> NewSmallLearner(const v1::TrainingConfig& config) {
  return testing::CreateSmallLearner(config, /*class_count=*/2, &Alone()).value();
}

// The images are dark and bright.
const torch::Tensor kPixels = torch::cat({torch::zeros({3, 8, 8, 1}), torch::full({3, 8, 8, 1}, 255)}).to(torch::kUInt8);
const torch::Tensor kLabels = torch::tensor({0, 0, 0, 1, 1, 1}, torch::kInt64);

TEST(LearnerTest, LowersTheLossOfABatchThatIsRepeated) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(SmallConfig());

  const float first = learner->Step(kPixels, kLabels, 1).value();
  float last = first;
  for (int i = 0; i < 50; ++i) {
    last = learner->Step(kPixels, kLabels, 1).value();
  }

  EXPECT_LT(last, 0.2 * first);
}

TEST(LearnerTest, MovesNetworkAndProxiesEachByItsOwnRate) {
  v1::TrainingConfig config = SmallConfig();
  config.mutable_optimizer()->set_learning_rate(1e-6);
  config.mutable_optimizer()->set_proxy_learning_rate(0.5);
  const std::unique_ptr<Learner> learner = NewSmallLearner(config);
  const torch::Tensor proxies = learner->proxies().values().detach().clone();
  const torch::Tensor head = learner->net()->named_parameters()["head.weight"].detach().clone();

  ASSERT_OK(learner->Step(kPixels, kLabels, 1));

  EXPECT_GT((learner->proxies().values() - proxies).abs().max().item<float>(), 0.05);
  const float moved = (learner->net()->named_parameters()["head.weight"] - head).abs().max().item<float>();
  EXPECT_GT(moved, 0);
  EXPECT_LT(moved, 1e-5);
}

TEST(LearnerTest, TakesNoStepWithAFactorOfZero) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(SmallConfig());
  const torch::Tensor proxies = learner->proxies().values().detach().clone();

  ASSERT_OK(learner->Step(kPixels, kLabels, 0));

  EXPECT_TRUE(torch::allclose(learner->proxies().values(), proxies, 0, 1e-6));
}

TEST(LearnerTest, DecaysWeightsButNeitherBiasesNorProxies) {
  v1::TrainingConfig config = SmallConfig();
  config.mutable_optimizer()->set_learning_rate(0.1);
  config.mutable_optimizer()->set_weight_decay(1);
  const std::unique_ptr<Learner> decayed = NewSmallLearner(config);
  config.mutable_optimizer()->set_weight_decay(0);
  const std::unique_ptr<Learner> plain = NewSmallLearner(config);

  ASSERT_OK(decayed->Step(kPixels, kLabels, 1));
  ASSERT_OK(plain->Step(kPixels, kLabels, 1));

  const auto parameters = decayed->net()->named_parameters();
  const auto others = plain->net()->named_parameters();
  EXPECT_FALSE(torch::allclose(parameters["head.weight"], others["head.weight"]));
  EXPECT_TRUE(torch::allclose(parameters["head.bias"], others["head.bias"]));
  EXPECT_TRUE(torch::allclose(decayed->proxies().values(), plain->proxies().values()));
}

TEST(LearnerTest, KeepsTheProxiesAtUnitLength) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(SmallConfig());

  ASSERT_OK(learner->Step(kPixels, kLabels, 1));

  EXPECT_TRUE(torch::allclose(learner->proxies().values().norm(2, 1), torch::ones({2})));
}

TEST(LearnerTest, KeepsEmbeddingsNextToTheirProxiesWhenWhitened) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(SmallConfig());
  for (int i = 0; i < 30; ++i) {
    ASSERT_OK(learner->Step(kPixels, kLabels, 1));
  }
  embedder::EmbeddingNet net = learner->net();
  const torch::NoGradGuard no_grad;

  ASSERT_OK(learner->Whiten(net->forward(kPixels), 0.25));

  const torch::Tensor cosines = embedder::NormalizeRows(net->forward(kPixels)).matmul(learner->proxies().values().t());
  EXPECT_TRUE(torch::equal(cosines.argmax(1), kLabels));
  EXPECT_TRUE(torch::allclose(learner->proxies().values().norm(2, 1), torch::ones({2})));
}

TEST(LearnerTest, TakesNoStepFromALossThatIsNotFinite) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(SmallConfig());
  {
    const torch::NoGradGuard no_grad;
    learner->net()->named_parameters()["head.bias"].fill_(std::numeric_limits<float>::quiet_NaN());
  }
  const torch::Tensor proxies = learner->proxies().values().detach().clone();

  EXPECT_THAT(learner->Step(kPixels, kLabels, 1), StatusIs(absl::StatusCode::kFailedPrecondition));

  EXPECT_TRUE(torch::equal(learner->proxies().values(), proxies));
}

class OptimizerTest : public ::testing::TestWithParam<v1::OptimizerConfig::Kind> {
 protected:
  v1::TrainingConfig Config() const {
    v1::TrainingConfig config = SmallConfig();
    config.mutable_optimizer()->set_kind(GetParam());
    config.mutable_optimizer()->set_learning_rate(0.003);
    config.mutable_optimizer()->set_proxy_learning_rate(0.01);
    return config;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, OptimizerTest,
                         ::testing::Values(v1::OptimizerConfig::KIND_ADAMW, v1::OptimizerConfig::KIND_SGD,
                                           v1::OptimizerConfig::KIND_RMSPROP),
                         [](const auto& test) { return v1::OptimizerConfig::Kind_Name(test.param); });

TEST_P(OptimizerTest, LowersTheLoss) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(Config());
  const float first = learner->Step(kPixels, kLabels, 1).value();
  float last = first;
  for (int i = 0; i < 60; ++i) {
    last = learner->Step(kPixels, kLabels, 1).value();
  }
  EXPECT_LT(last, 0.5 * first);
}

TEST_P(OptimizerTest, ResumesFromASnapshotBitForBit) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(Config());
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(learner->Step(kPixels, kLabels, 1));
  }
  const SnapshotFiles snapshot = TakeSnapshot(*learner);
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(learner->Step(kPixels, kLabels, 1));
  }
  const std::unique_ptr<Learner> other = NewSmallLearner(Config());
  ASSERT_OK(other->Step(kPixels, kLabels, 1));  // A step that the snapshot must undo.
  ASSERT_OK(RestoreSnapshot(snapshot, other.get()));
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(other->Step(kPixels, kLabels, 1));
  }

  EXPECT_EQ(TakeSnapshot(*other).at("model.safetensors"), TakeSnapshot(*learner).at("model.safetensors"));
  EXPECT_EQ(TakeSnapshot(*other).at("proxies.safetensors"), TakeSnapshot(*learner).at("proxies.safetensors"));
}

TEST(LearnerTest, MovesOnlyHeadAndProxiesWhileTheBackboneIsFrozen) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(SmallConfig());
  const TrainedState before = TrainedStateOf(*learner);
  learner->FreezeBackbone(true);
  ASSERT_OK(learner->Step(kPixels, kLabels, 1));
  const TrainedState frozen = TrainedStateOf(*learner);
  for (const auto& [name, tensor] : before.model) {
    EXPECT_EQ(frozen.model.at(name).data == tensor.data, name.rfind("head.", 0) != 0) << name;
  }
  EXPECT_NE(frozen.proxies.at("proxies").data, before.proxies.at("proxies").data);

  learner->FreezeBackbone(false);
  ASSERT_OK(learner->Step(kPixels, kLabels, 1));
  EXPECT_NE(TrainedStateOf(*learner).model.at("stage1.conv1.weight").data, before.model.at("stage1.conv1.weight").data);
}

TEST(LearnerTest, ComputesNoGradientsOfAFrozenBackbone) {
  const std::unique_ptr<Learner> learner = NewSmallLearner(SmallConfig());
  learner->FreezeBackbone(true);

  ASSERT_OK(learner->Step(kPixels, kLabels, 1));

  for (const torch::Tensor& parameter : learner->net()->BackboneParameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
  for (const torch::Tensor& parameter : learner->net()->HeadParameters()) {
    EXPECT_TRUE(parameter.grad().defined());
  }
}

TEST(LearnerTest, HasNoProxiesForALossThatNeedsNone) {
  v1::TrainingConfig config = SmallConfig();
  config.mutable_loss()->mutable_triplet()->set_mining(v1::TripletConfig::MINING_ALL);
  config.clear_proxies();
  config = config::WithDefaults(config);
  const std::unique_ptr<Learner> learner = NewSmallLearner(config);
  EXPECT_FALSE(learner->uses_proxies());
  const float first = learner->Step(kPixels, kLabels, 1).value();
  const SnapshotFiles snapshot = TakeSnapshot(*learner);

  EXPECT_EQ(snapshot.count("proxies.safetensors"), 0U);
  const std::unique_ptr<Learner> other = NewSmallLearner(config);
  ASSERT_OK(other->Step(kPixels, kLabels, 1));
  ASSERT_OK(RestoreSnapshot(snapshot, other.get()));
  EXPECT_LT(learner->Step(kPixels, kLabels, 1).value(), first);
  ASSERT_OK(other->Step(kPixels, kLabels, 1));
  EXPECT_EQ(TakeSnapshot(*other).at("model.safetensors"), TakeSnapshot(*learner).at("model.safetensors"));
  ASSERT_OK(learner->Whiten(torch::randn({20, 4}), 0.25));

  const std::unique_ptr<Learner> with_proxies = NewSmallLearner(SmallConfig());
  EXPECT_THAT(RestoreSnapshot(snapshot, with_proxies.get()), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(RestoreSnapshot(TakeSnapshot(*with_proxies), other.get()), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(LearnerTest, RefusesALossThatItDoesNotKnow) {
  v1::TrainingConfig config = SmallConfig();
  config.clear_loss();
  const auto learner = testing::CreateSmallLearner(config, /*class_count=*/2, &Alone());
  EXPECT_THAT(learner.status(), testing::HasField("loss"));
}

TEST(LearnerTest, LearnsInBfloat16) {
  v1::TrainingConfig config = SmallConfig();
  config.set_precision(v1::TrainingConfig::PRECISION_BFLOAT16);
  const std::unique_ptr<Learner> learner = NewSmallLearner(config);
  const float first = learner->Step(kPixels, kLabels, 1).value();
  float last = first;
  for (int i = 0; i < 50; ++i) {
    last = learner->Step(kPixels, kLabels, 1).value();
  }
  EXPECT_LT(last, 0.3 * first);
}

}  // namespace
}  // namespace semblance::trainer
