#include "config/loss_traits.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::config {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;

TEST(LossTraitsTest, ALossOnProxiesHasProxies) {
  v1::LossConfig loss;
  loss.mutable_proxy_anchor();
  EXPECT_TRUE(UsesProxies(loss));
  EXPECT_FALSE(TakesTriplets(loss));
  EXPECT_EQ(PathOfLoss(loss), "loss.proxy_anchor");
}

TEST(LossTraitsTest, ALossOnPairsHasNone) {
  v1::LossConfig loss;
  loss.mutable_n_pairs();
  EXPECT_FALSE(UsesProxies(loss));
  EXPECT_FALSE(TakesTriplets(loss));
  EXPECT_EQ(PathOfLoss(loss), "loss.n_pairs");
}

TEST(LossTraitsTest, AConfigWithoutALossCountsAsOneWithProxies) {
  EXPECT_TRUE(UsesProxies(v1::LossConfig()));
}

TEST(LossTraitsTest, LossesWithAndWithoutProxiesTakeTriplets) {
  EXPECT_THAT(PathsOfLossesOnTriplets(), IsSupersetOf({"loss.proxy_nca", "loss.proxy_triplet", "loss.triplet"}));
  EXPECT_THAT(PathsOfLossesOnTriplets(), Not(Contains("loss.n_pairs")));
  v1::LossConfig loss;
  loss.mutable_triplet();
  EXPECT_TRUE(TakesTriplets(loss));
  EXPECT_FALSE(UsesProxies(loss));
}

}  // namespace
}  // namespace semblance::config
