#include "service/admission/stage_time.h"

#include "gtest/gtest.h"

namespace semblance::testing {
namespace {

using service::StageTime;

TEST(StageTimeTest, EstimatesTheTimeOfTheLastRequestsWhileSomeAreInside) {
  StageTime stage;
  stage.Enter();
  EXPECT_EQ(stage.Estimate(), absl::ZeroDuration());  // Nothing is known yet.
  stage.Enter();
  stage.Leave(absl::Seconds(2));
  EXPECT_EQ(stage.Estimate(), absl::Seconds(2));
  stage.Leave(absl::Seconds(2));
  EXPECT_EQ(stage.Estimate(), absl::ZeroDuration());
}

}  // namespace
}  // namespace semblance::testing
