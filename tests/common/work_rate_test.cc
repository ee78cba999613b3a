#include "common/work_rate.h"

#include "gtest/gtest.h"

namespace semblance {
namespace {

TEST(WorkRateTest, KnowsNothingBeforeTheFirstSample) {
  EXPECT_EQ(WorkRate().TimeFor(5), absl::ZeroDuration());
}

TEST(WorkRateTest, ScalesTheTimeWithTheWork) {
  WorkRate rate;
  rate.Add(2, absl::Seconds(1));
  EXPECT_EQ(rate.TimeFor(6), absl::Seconds(3));
}

TEST(WorkRateTest, WeighsSamplesByTheirWork) {
  WorkRate rate;
  for (int i = 0; i < 1000; ++i) {
    rate.Add(1, absl::Seconds(1));
    rate.Add(99, absl::Seconds(1));
  }
  EXPECT_NEAR(absl::ToDoubleSeconds(rate.TimeFor(50)), 1, 0.1);
}

TEST(WorkRateTest, ForgetsWhatIsLongPast) {
  WorkRate rate;
  for (int i = 0; i < 100; ++i) {
    rate.Add(1, absl::Seconds(9));
  }
  for (int i = 0; i < 100; ++i) {
    rate.Add(1, absl::Seconds(1));
  }
  EXPECT_NEAR(absl::ToDoubleSeconds(rate.TimeFor(1)), 1, 0.05);
}

}  // namespace
}  // namespace semblance
