#include "common/quantile.h"

#include "gtest/gtest.h"

namespace semblance {
namespace {

TEST(QuantileTest, IsTheValueBelowWhichTheShareLies) {
  EXPECT_EQ(Quantile({}, 0.99), 0);
  EXPECT_EQ(Quantile({3, 1, 2, 4}, 0.5), 3);
  EXPECT_EQ(Quantile({3, 1, 2, 4}, 0), 1);
  EXPECT_EQ(Quantile({3, 1, 2, 4}, 1), 4);
}

}  // namespace
}  // namespace semblance
