#include "trainer/losses/new_loss.h"

#include <torch/torch.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/config_override.h"
#include "config/loss_traits.h"
#include "config/training_config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/trainer/losses/loss_data.h"
#include "trainer/losses/given_triplets.h"
#include "trainer/losses/lifted_structure.h"
#include "trainer/losses/n_pairs.h"
#include "trainer/losses/normalized_softmax.h"
#include "trainer/losses/proxy_anchor.h"
#include "trainer/losses/proxy_nca.h"
#include "trainer/losses/proxy_triplet.h"
#include "trainer/losses/soft_triple.h"
#include "trainer/losses/triplet.h"

namespace semblance::trainer {
namespace {

using testing::Angles;
using testing::HasField;
using testing::Labels;
using testing::Numbers;
using testing::OnCircle;
using testing::ProxyBatchOf;
using testing::StatusIs;

constexpr char kFieldNumberOfNoLoss[] = "\x7a\x00";  // Field 15 of LossConfig, as an empty message.

v1::LossConfig ConfigOf(const std::string& assignment) {
  v1::TrainingConfig config;
  EXPECT_TRUE(config::ApplyOverride(assignment, &config).ok()) << assignment;
  return config::WithDefaults(config).loss();
}

bool IsOnProxies(const Loss& loss) {
  return std::holds_alternative<std::unique_ptr<const LossOnProxies>>(loss);
}

// Computes a loss on proxies or on pairs from the same examples. Each class has one proxy.
torch::Tensor ComputeOn(const ProxyBatch& batch, const Loss& loss) {
  if (IsOnProxies(loss)) {
    return std::get<std::unique_ptr<const LossOnProxies>>(loss)->Compute(batch);
  }
  return std::get<std::unique_ptr<const LossOnPairs>>(loss)->Compute({batch.embeddings, batch.positives});
}

TEST(NewLossTest, RefusesAConfigWithoutALoss) {
  for (const Supervision supervision : {Supervision::kClasses, Supervision::kTriplets}) {
    const absl::StatusOr<Loss> loss = NewLoss(v1::LossConfig(), supervision);
    EXPECT_THAT(loss, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(loss.status(), HasField("loss"));
  }
}

// A loss of a newer program is an unknown field here. It must not train the default loss.
TEST(NewLossTest, RefusesALossOfANewerProgram) {
  v1::LossConfig config;
  ASSERT_TRUE(config.ParseFromString(std::string(kFieldNumberOfNoLoss, 2)));
  EXPECT_THAT(NewLoss(config, Supervision::kClasses).status(), HasField("loss"));

  v1::TrainingConfig training;
  *training.mutable_loss() = config;
  EXPECT_THAT(config::ValidateTrainingConfig(config::WithDefaults(training)), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(NewLossTest, RefusesUnknownVariantsOfALoss) {
  v1::LossConfig config = ConfigOf("loss.proxy_nca.proxy_scale=3");
  config.mutable_proxy_nca()->set_denominator(static_cast<v1::ProxyNcaConfig::Denominator>(99));
  EXPECT_THAT(NewLoss(config, Supervision::kClasses).status(), HasField("loss.proxy_nca.denominator"));

  config = ConfigOf("loss.triplet.margin=0.3");
  config.mutable_triplet()->set_mining(static_cast<v1::TripletConfig::Mining>(99));
  EXPECT_THAT(NewLoss(config, Supervision::kClasses).status(), HasField("loss.triplet.mining"));
}

TEST(NewLossTest, RefusesLossesOnPairsForTriplets) {
  EXPECT_THAT(NewLoss(ConfigOf("loss.n_pairs.scale=4"), Supervision::kTriplets).status(), HasField("loss.n_pairs"));
  EXPECT_THAT(NewLoss(ConfigOf("loss.lifted_structure.margin=1"), Supervision::kTriplets).status(),
              HasField("loss.lifted_structure"));
}

TEST(NewLossTest, TakesTheTripletsOfTheDataInPlaceOfMining) {
  const v1::LossConfig config = ConfigOf("loss.triplet.margin=0.3");
  ASSERT_OK_AND_ASSIGN(const Loss given, NewLoss(config, Supervision::kTriplets));
  ASSERT_OK_AND_ASSIGN(const Loss mined, NewLoss(config, Supervision::kClasses));
  EXPECT_TRUE(std::holds_alternative<std::unique_ptr<const LossOnTriplets>>(given));
  EXPECT_TRUE(std::holds_alternative<std::unique_ptr<const LossOnPairs>>(mined));
}

// A field without traits, or with those of another kind of loss, fails here.
TEST(NewLossTest, MakesEveryLossOfTheConfigAsItsTraitsSay) {
  const auto* const kind = v1::LossConfig::descriptor()->FindOneofByName("kind");
  ASSERT_GE(kind->field_count(), 8);
  for (int i = 0; i < kind->field_count(); ++i) {
    const std::string& name = kind->field(i)->name();
    v1::TrainingConfig config;
    config.mutable_loss()->GetReflection()->MutableMessage(config.mutable_loss(), kind->field(i));
    ASSERT_OK_AND_ASSIGN(const Loss loss, NewLoss(config::WithDefaults(config).loss(), Supervision::kClasses));
    const v1::LossTraits& traits = kind->field(i)->options().GetExtension(v1::loss_traits);
    EXPECT_EQ(traits.compared_with(),
              IsOnProxies(loss) ? v1::LossTraits::COMPARED_WITH_PROXIES : v1::LossTraits::COMPARED_WITH_EXAMPLES)
        << name;
    EXPECT_EQ(config::UsesProxies(config.loss()), IsOnProxies(loss)) << name;
    if (traits.takes_triplets()) {
      EXPECT_OK(NewLoss(config::WithDefaults(config).loss(), Supervision::kTriplets)) << name;
    }
  }
}

// A loss of the config, and the same loss made by hand.
struct NamedLoss {
  std::string assignment;
  Loss expected;
};

std::vector<NamedLoss> LossesMadeByHand() {
  using Denominator = ProxyNcaOptions::Denominator;
  const ProxyNcaOptions nca = {
      .denominator = Denominator::kNegatives, .embedding_scale = 3, .proxy_scale = 3, .label_smoothing = 0};
  const ProxyNcaOptions long_nca = {.denominator = Denominator::kAll, .embedding_scale = 2, .proxy_scale = 3, .label_smoothing = 0};
  const SoftTripleOptions soft = {.scale = 20, .temperature = 0.1, .margin = 0.3, .regularization = 0.2, .label_smoothing = 0};
  std::vector<NamedLoss> losses;
  const auto add = [&](const std::string& assignment, auto loss) { losses.push_back({assignment, Loss(std::move(loss))}); };
  add("loss.proxy_nca.denominator=DENOMINATOR_NEGATIVES", std::make_unique<ProxyNcaLoss>(nca));
  add("loss.proxy_nca.embedding_scale=2", std::make_unique<ProxyNcaLoss>(long_nca));
  add("loss.soft_triple.margin=0.3", std::make_unique<SoftTripleLoss>(soft));
  add("loss.proxy_triplet.margin=0.7", std::make_unique<ProxyTripletLoss>(0.7));
  add("loss.proxy_anchor.margin=0.7", std::make_unique<ProxyAnchorLoss>(32, 0.7));
  add("loss.normalized_softmax.temperature=0.7", std::make_unique<NormalizedSoftmaxLoss>(0.7, 0));
  add("loss.triplet.margin=0.7", std::make_unique<TripletLoss>(SemiHardTriplets, 0.7));
  add("loss.triplet.mining=MINING_HARD", std::make_unique<TripletLoss>(HardTriplets, 0.2));
  add("loss.triplet.mining=MINING_ALL", std::make_unique<TripletLoss>(ViolatingTriplets, 0.2));
  add("loss.n_pairs.scale=7", std::make_unique<NPairsLoss>(7));
  add("loss.lifted_structure.margin=0.7", std::make_unique<LiftedStructureLoss>(0.7));
  return losses;
}

TEST(NewLossTest, GivesEachLossThePartsOfItsConfig) {
  const ProxyBatch batch = ProxyBatchOf(testing::kPoints, testing::kProxyPoints, testing::kClassNumbers);
  for (const NamedLoss& one : LossesMadeByHand()) {
    ASSERT_OK_AND_ASSIGN(const Loss loss, NewLoss(ConfigOf(one.assignment), Supervision::kClasses));
    EXPECT_EQ(ComputeOn(batch, loss).item<float>(), ComputeOn(batch, one.expected).item<float>()) << one.assignment;
  }
}

// Holds for every loss. The parameter is an assignment to a field of its config.
class EveryLossTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Two examples of each of three classes, in three dimensions.
  ProxyBatch RandomBatch() const {
    torch::manual_seed(5);
    ProxyBatch batch = ProxyBatchOf(torch::randn({6, 3}), torch::randn({3, 3}), Labels({0, 2, 1, 1, 0, 2}));
    batch.embeddings.requires_grad_();
    batch.proxies.requires_grad_();
    return batch;
  }

  torch::Tensor Compute(const ProxyBatch& batch) const { return ComputeOn(batch, loss_); }

  const Loss loss_ = NewLoss(ConfigOf(GetParam()), Supervision::kClasses).value();
};

INSTANTIATE_TEST_SUITE_P(Losses, EveryLossTest,
                         ::testing::Values("loss.proxy_nca.denominator=DENOMINATOR_NEGATIVES",
                                           "loss.proxy_nca.denominator=DENOMINATOR_ALL", "loss.proxy_triplet.margin=0.5",
                                           "loss.proxy_anchor.scale=8", "loss.soft_triple.scale=5",
                                           "loss.normalized_softmax.temperature=0.2", "loss.triplet.margin=0.4",
                                           "loss.triplet.mining=MINING_HARD", "loss.triplet.mining=MINING_ALL",
                                           "loss.n_pairs.scale=4", "loss.lifted_structure.margin=1"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST_P(EveryLossTest, HasTheGradientsOfFiniteDifferences) {
  const ProxyBatch batch = RandomBatch();
  Compute(batch).backward();
  const torch::NoGradGuard no_grad;
  for (const torch::Tensor& input : {batch.embeddings, batch.proxies}) {
    for (int64_t i = 0; i < input.numel(); ++i) {
      constexpr float kStep = 3e-3F;
      const torch::Tensor value = input.view(-1)[i];
      value.add_(kStep);
      const double above = Compute(batch).item<double>();
      value.sub_(2 * kStep);
      const double below = Compute(batch).item<double>();
      value.add_(kStep);
      const double gradient = input.grad().defined() ? input.grad().view(-1)[i].item<double>() : 0;
      EXPECT_NEAR(gradient, (above - below) / (2 * kStep), 4e-3 * (1 + std::fabs(gradient))) << i;
    }
  }
}

TEST_P(EveryLossTest, DoesNotDependOnTheLengthOfItsInputs) {
  const torch::NoGradGuard no_grad;
  const ProxyBatch batch = RandomBatch();
  const ProxyBatch longer = ProxyBatchOf(7 * batch.embeddings, 0.1 * batch.proxies, batch.positives);
  EXPECT_NEAR(Compute(longer).item<double>(), Compute(batch).item<double>(), 1e-4);
}

TEST_P(EveryLossTest, StaysFiniteForDegenerateBatches) {
  const std::vector<std::pair<torch::Tensor, Numbers>> batches = {
      {OnCircle({20}), {0}},                 // One example.
      {OnCircle({20, 60, 100}), {0, 1, 2}},  // No pairs.
      {OnCircle({20, 60, 100}), {1, 1, 1}},  // One class.
      {OnCircle({20, 20, 20}), {0, 0, 1}},   // Equal embeddings.
      {torch::zeros({3, 2}), {0, 0, 1}},     // No direction.
      {OnCircle({0, 180, 180, 0}), {0, 0, 1, 1}},
  };
  for (const Angles& proxies : {Angles{0, 120, 240}, Angles{45, 45, 45}}) {
    for (const auto& [embeddings, labels] : batches) {
      ProxyBatch batch = ProxyBatchOf(embeddings.clone().requires_grad_(), OnCircle(proxies).requires_grad_(), Labels(labels));
      const torch::Tensor loss = Compute(batch);
      loss.backward();
      EXPECT_TRUE(std::isfinite(loss.item<float>())) << labels.size();
      EXPECT_TRUE(torch::isfinite(batch.embeddings.grad()).all().item<bool>()) << embeddings;
      EXPECT_TRUE(!batch.proxies.grad().defined() || torch::isfinite(batch.proxies.grad()).all().item<bool>());
    }
  }
}

TEST_P(EveryLossTest, IsSmallerForEmbeddingsAtTheirProxies) {
  const Numbers labels = {0, 1, 2, 0, 1, 2};
  const ProxyBatch good = ProxyBatchOf({0, 120, 240, 5, 125, 235}, {0, 120, 240}, labels);
  const ProxyBatch bad = ProxyBatchOf({0, 120, 240, 100, 10, 140}, {0, 120, 240}, labels);
  EXPECT_LT(Compute(good).item<double>(), Compute(bad).item<double>());
}

}  // namespace
}  // namespace semblance::trainer
