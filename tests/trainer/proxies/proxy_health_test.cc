#include "trainer/proxies/proxy_health.h"

#include <torch/torch.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"
#include "trainer/losses/proxy_nca.h"
#include "trainer/losses/proxy_triplet.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Labels;
using testing::OnCircle;

v1::ProxyConfig OneEach() {
  v1::ProxyConfig config;
  config.set_per_class(1);
  return config;
}

constexpr ProxyNcaOptions kNca = {
    .denominator = ProxyNcaOptions::Denominator::kAll, .embedding_scale = 3, .proxy_scale = 3, .label_smoothing = 0};
constexpr BoundLengths kLengths = {.embedding_scale = 3, .proxy_scale = 3};

class ProxyHealthTest : public ::testing::Test {
 protected:
  ProxyHealthTest() : proxies_(OneEach(), 3, 2, /*seed=*/1, torch::kCPU), meter_(&proxies_, 3) {
    proxies_.Restore(OnCircle({0, 120, 240}));
  }

  void Step(const LossOnProxies& loss, const testing::Angles& embeddings, const testing::Numbers& labels) {
    torch::Tensor(proxies_.values()).mutable_grad() = torch::Tensor();
    const PairBatch examples = testing::PairBatchOf(embeddings, labels);
    const ProxyBatch matched = proxies_.Match(examples);
    loss.Compute(matched).backward();
    meter_.Observe(examples, matched, kLengths);
    meter_.ObserveMoved();
  }

  Proxies proxies_;
  ProxyHealthMeter meter_;
};

TEST_F(ProxyHealthTest, TellsWhereTheExamplesAreAndForgetsThem) {
  Step(ProxyNcaLoss(kNca), {10, 130}, {0, 1});
  Step(ProxyNcaLoss(kNca), {350, 20}, {0, 1});

  const ProxyHealth health = meter_.Take();

  EXPECT_DOUBLE_EQ(health.nearest_proxy_accuracy, 0.75);
  EXPECT_EQ(health.dead, 1);
  // The mean of class 0 is at its proxy, and the mean of class 1 at 75 degrees.
  EXPECT_NEAR(health.least_cosine_to_class, testing::Cosine(75, 120), 1e-5);
  EXPECT_NEAR(health.mean_cosine_to_class, (1 + testing::Cosine(75, 120)) / 2, 1e-5);
  EXPECT_NEAR(health.mean_norm, 1, 1e-5);
  EXPECT_GT(health.mean_gradient_norm, 0);
  EXPECT_NEAR(health.bound.epsilon, 1 - testing::Cosine(20, 120), 1e-5);
  EXPECT_EQ(meter_.Take().nearest_proxy_accuracy, 0);
}

TEST_F(ProxyHealthTest, NamesTheClassesThatNeedAGradientAndGotNone) {
  // All examples are at their proxies, so none of them pulls.
  Step(ProxyTripletLoss(0.1), {0, 120, 240}, {0, 1, 2});
  EXPECT_THAT(meter_.Take().stuck_classes, IsEmpty());

  // One example is far from its proxy and pulls at it.
  Step(ProxyTripletLoss(0.1), {0, 240, 240}, {0, 1, 2});
  EXPECT_THAT(meter_.Take().stuck_classes, IsEmpty());

  // The example is far away but has no gradient, as if the proxies were left out of the loss.
  torch::Tensor(proxies_.values()).mutable_grad() = torch::Tensor();
  const PairBatch examples = testing::PairBatchOf({0, 240, 240}, {0, 1, 2});
  meter_.Observe(examples, proxies_.Match(examples), kLengths);
  const ProxyHealth health = meter_.Take();
  EXPECT_EQ(health.stuck, 1);
  EXPECT_THAT(health.stuck_classes, ElementsAre(1));
}

TEST_F(ProxyHealthTest, CountsTheBoundOfAnchorsWithAPositive) {
  Step(ProxyNcaLoss(kNca), {10, 20, 130, 250}, {0, 0, 1, 2});
  const NcaBound bound = meter_.Take().bound;
  EXPECT_EQ(bound.anchors, 2);
  EXPECT_LE(bound.nca, bound.bound);
}

TEST(TripletHealthTest, TellsWhichTripletsSaySomethingAndWhichProxiesNobodyIsNear) {
  v1::ProxyConfig config;
  config.set_count(5);
  config.set_assignment(v1::ProxyConfig::ASSIGNMENT_DYNAMIC);
  Proxies proxies(config, 0, 2, /*seed=*/1, torch::kCPU);
  proxies.Restore(OnCircle({0, 72, 144, 216, 288}));
  ProxyHealthMeter meter(&proxies, 0);

  meter.Observe(TripletBatch{OnCircle({5, 70, 150, 10}), OnCircle({10, 10, 150, 350}), OnCircle({80, 160, 140, 355})});
  const ProxyHealth health = meter.Take();

  EXPECT_TRUE(health.of_triplets);
  EXPECT_DOUBLE_EQ(health.nearest_proxy_accuracy, 0.75);  // All but the second.
  EXPECT_DOUBLE_EQ(health.undecided, 0.5);                // The last two.
  EXPECT_EQ(health.dead, 2);                              // At 216 and 288 degrees.
  EXPECT_EQ(health.stuck, 0);
  EXPECT_EQ(meter.Take().undecided, 0);
}

}  // namespace
}  // namespace semblance::trainer
