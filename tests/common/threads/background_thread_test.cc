#include "common/threads/background_thread.h"

#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace semblance {
namespace {

void Work(absl::Duration time) {
  for (const absl::Time end = absl::Now() + time; absl::Now() < end;) {
  }
}

TEST(BackgroundThreadTest, OnlyTheCallingThreadGetsALowerPriority) {
  const auto niceness = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
  const int before = niceness();
  int lowered = before;
  std::thread([&] {
    LowerThreadPriority(19);
    lowered = niceness();
  }).join();
  EXPECT_EQ(lowered, 19);
  EXPECT_EQ(niceness(), before);
}

TEST(RestsTest, ComeOnlyAfterAPieceOfWork) {
  const auto sleeps = [] {
    rusage usage = {};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
  };
  Rests rests;
  const auto before = sleeps();
  rests.BetweenPieces();
  const auto after_nothing = sleeps();
  Work(2 * Rests::kPiece);
  rests.BetweenPieces();
  EXPECT_EQ(after_nothing, before);
  EXPECT_GT(sleeps(), after_nothing);
}

}  // namespace
}  // namespace semblance
