#include "trainer/report/axis_ticks.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> LabelsOf(AxisRange range, int most) {
  std::vector<std::string> labels;
  for (const AxisTick& tick : TicksOf(range, most)) {
    labels.push_back(tick.label);
  }
  return labels;
}

TEST(AxisTicksTest, StandAtRoundNumbers) {
  EXPECT_THAT(LabelsOf({0, 1}, 5), ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(LabelsOf({-3.2, 7.9}, 3), ElementsAre("0", "5"));
  EXPECT_THAT(LabelsOf({0.87, 0.93}, 4), ElementsAre("0.88", "0.90", "0.92"));
  EXPECT_THAT(LabelsOf({0, 4700}, 5), ElementsAre("0", "1000", "2000", "3000", "4000"));
}

TEST(AxisTicksTest, ShortenLargeAndSmallNumbers) {
  EXPECT_THAT(LabelsOf({0, 50000}, 2), ElementsAre("0", "50k"));
  EXPECT_THAT(LabelsOf({1e6, 2e6}, 2), ElementsAre("1.0M", "1.5M", "2.0M"));
  EXPECT_THAT(LabelsOf({0, 2e-6}, 2), ElementsAre("0", "1e-06", "2e-06"));
  EXPECT_THAT(LabelsOf({0, 2e12}, 2), ElementsAre("0", "1e+12", "2e+12"));
}

TEST(AxisTicksTest, NeverAreMoreThanAskedFor) {
  for (int most = 1; most < 20; ++most) {
    const std::vector<AxisTick> ticks = TicksOf({-0.37, 12.4}, most);
    EXPECT_LE(ticks.size(), static_cast<size_t>(most) + 1) << most;
    EXPECT_GE(ticks.size(), 1U) << most;
  }
}

TEST(AxisTicksTest, AConstantGetsARangeAroundIt) {
  EXPECT_EQ(Widened({2, 3}), (AxisRange{2, 3}));
  EXPECT_EQ(Widened({0, 0}), (AxisRange{-1, 1}));
  EXPECT_EQ(Widened({-10, -10}), (AxisRange{-11, -9}));
}

}  // namespace
}  // namespace semblance::trainer
