#include "common/threads/stop.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stop_token>
#include <thread>

namespace semblance {
namespace {

TEST(WaitForStopTest, ReturnsWhenTheStopIsRequested) {
  for (int round = 0; round < 500; ++round) {
    std::stop_source source;
    std::jthread waiting([token = source.get_token()] { EXPECT_TRUE(WaitForStop(token)); });
    source.request_stop();
  }
}

TEST(WaitForStopTest, ReturnsAtOnceWhenTheStopWasRequestedBefore) {
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(WaitForStop(source.get_token(), absl::Hours(1)));
}

TEST(WaitForStopTest, ReturnsFalseAfterTheLimit) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(WaitForStop(std::stop_source().get_token(), absl::Milliseconds(5)));
  EXPECT_FALSE(WaitForStop(std::stop_token(), absl::Milliseconds(5)));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(10));
}

TEST(LinkedStopTest, IsRequestedWhenEitherIs) {
  for (int which = 0; which < 2; ++which) {
    std::stop_source sources[2];
    const LinkedStop linked(sources[0].get_token(), sources[1].get_token());
    EXPECT_FALSE(linked.token().stop_requested());
    sources[which].request_stop();
    EXPECT_TRUE(linked.token().stop_requested());
  }
}

TEST(LinkedStopTest, KnowsOfAStopThatWasRequestedBefore) {
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(LinkedStop(std::stop_token(), source.get_token()).token().stop_requested());
}

TEST(LinkedStopTest, WakesAWait) {
  std::stop_source first;
  std::stop_source second;
  const LinkedStop linked(first.get_token(), second.get_token());
  std::jthread waiting([token = linked.token()] { EXPECT_TRUE(WaitForStop(token)); });
  second.request_stop();
}

TEST(LinkedStopTest, ItsTokenOutlivesIt) {
  std::stop_source source;
  std::stop_token token;
  {
    const LinkedStop linked(source.get_token(), std::stop_token());
    token = linked.token();
  }
  source.request_stop();
  EXPECT_FALSE(token.stop_requested());
}

}  // namespace
}  // namespace semblance
