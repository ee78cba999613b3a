#include "trainer/proxies/nca_bound.h"

#include <torch/torch.h>

#include <cmath>

#include "embedder/torch/networks.h"
#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::Cosine;
using testing::Labels;
using testing::OnCircle;

TEST(NcaBoundTest, HoldsForRandomPointsProxiesAndLengths) {
  torch::manual_seed(4);
  for (int trial = 0; trial < 2000; ++trial) {
    const int64_t dimension = 2 + trial % 5;
    const double spread = 0.02 * (trial % 50);
    const torch::Tensor embeddings = embedder::NormalizeRows(torch::randn({8, dimension}));
    const torch::Tensor proxies = embedder::NormalizeRows(embeddings + spread * torch::randn({8, dimension}));
    const double embedding_scale = 1 + 0.5 * (trial % 4);
    const double proxy_scale = 1 + 0.7 * (trial % 3);
    const NcaBound bound = MeasureNcaBound({embeddings, proxies, Labels({0, 0, 1, 1, 2, 2, 3, 3})}, embedding_scale, proxy_scale);
    ASSERT_EQ(bound.anchors, 8);
    ASSERT_LE(bound.nca, bound.bound + 1e-4) << "trial " << trial;
  }
}

TEST(NcaBoundTest, EqualsItsDefinition) {
  const testing::Angles points = {0, 20, 100};
  const testing::Angles proxies = {5, 15, 110};
  const NcaBound bound = MeasureNcaBound({OnCircle(points), OnCircle(proxies), Labels({0, 0, 1})}, 2, 3);
  // The third example has no positive.
  ASSERT_EQ(bound.anchors, 2);
  double nca = 0;
  double expected = 0;
  for (const size_t x : {size_t{0}, size_t{1}}) {
    const size_t y = 1 - x;
    nca += -2 * Cosine(points[x], points[y]) + 2 * Cosine(points[x], points[2]);
    expected += -2 * Cosine(points[x], proxies[y]) + 2 * Cosine(points[x], proxies[2]);  // With one negative the lengths cancel.
  }
  EXPECT_NEAR(bound.epsilon, 1 - Cosine(100, 110), 1e-6);
  EXPECT_NEAR(bound.nca, nca, 1e-5);
  EXPECT_NEAR(bound.bound, expected + 2 * 4 * std::sqrt(2 * bound.epsilon), 1e-3);
}

// The positive and the negative are each sqrt(2 epsilon) from their proxies along x, one towards the anchor and the other away from
// it. Half of the slack would not be enough here.
TEST(NcaBoundTest, NeedsAllOfItsSlack) {
  const double off = 8;
  const torch::Tensor points = OnCircle({0, 90 + off, 270 - 3 * off});
  const torch::Tensor proxies = OnCircle({0, 90, 270 - 4 * off});
  const NcaBound bound = MeasureNcaBound({points, proxies, Labels({0, 0, 1})}, 1, 1);
  // Looks only at the anchor at 0.
  const double nca = -2 * Cosine(0, 90 + off) + 2 * Cosine(0, 270 - 3 * off);
  const double proxied = -2 * Cosine(0, 90) + 2 * Cosine(0, 270 - 4 * off);
  EXPECT_GT(nca, proxied + 2 * std::sqrt(2 * bound.epsilon));
  EXPECT_LE(nca, proxied + 4 * std::sqrt(2 * bound.epsilon));
}

TEST(NcaBoundTest, TightensAsExamplesComeNearToTheirProxies) {
  torch::manual_seed(1);
  const torch::Tensor embeddings = embedder::NormalizeRows(torch::randn({8, 4}));
  const torch::Tensor offsets = torch::randn({8, 4});
  double last_gap = 1e9;
  for (const double spread : {0.5, 0.1, 0.01, 0.0}) {
    const NcaBound bound = MeasureNcaBound(
        {embeddings, embedder::NormalizeRows(embeddings + spread * offsets), Labels({0, 0, 1, 1, 2, 2, 3, 3})}, 1, 1);
    EXPECT_LT(bound.bound - bound.nca, last_gap);
    last_gap = bound.bound - bound.nca;
  }
  EXPECT_NEAR(last_gap, 0, 0.05);  // float32 has 1 - cos with an error of about 1e-7, so epsilon is not exactly 0.
}

}  // namespace
}  // namespace semblance::trainer
