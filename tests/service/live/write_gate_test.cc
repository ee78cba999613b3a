#include "service/live/write_gate.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace semblance::service {
namespace {

TEST(WriteGateTest, LetsCommitsPassAtOnceWhileItIsOpen) {
  WriteGate gate;
  bool ran = false;
  gate.Enter([&] { ran = true; });
  EXPECT_TRUE(ran);
  gate.Leave();
}

TEST(WriteGateTest, HoldsCommitsWhileItIsClosedAndRunsThemInTheirOrderWhenItOpens) {
  WriteGate gate;
  ASSERT_TRUE(gate.Close(absl::ZeroDuration()));
  std::vector<int> ran;
  gate.Enter([&] { ran.push_back(1); });
  gate.Enter([&] { ran.push_back(2); });
  EXPECT_TRUE(ran.empty());
  gate.Open();
  EXPECT_EQ(ran, std::vector<int>({1, 2}));
  EXPECT_FALSE(gate.Close(absl::Milliseconds(1)));  // Those two are inside.
  gate.Leave();
  gate.Leave();
  EXPECT_TRUE(gate.Close(absl::ZeroDuration()));
  gate.Open();
}

TEST(WriteGateTest, OpensAgainWhenThoseInsideDoNotLeaveInTime) {
  WriteGate gate;
  gate.Enter([] {});
  EXPECT_FALSE(gate.Close(absl::Milliseconds(1)));
  bool ran = false;
  gate.Enter([&] { ran = true; });
  EXPECT_TRUE(ran);
  gate.Leave();
  gate.Leave();
}

TEST(WriteGateTest, ClosesAsSoonAsTheLastOneLeaves) {
  WriteGate gate;
  gate.Enter([] {});
  std::thread thread([&] { gate.Leave(); });
  EXPECT_TRUE(gate.Close(absl::Seconds(30)));
  thread.join();
  gate.Open();
}

}  // namespace
}  // namespace semblance::service
