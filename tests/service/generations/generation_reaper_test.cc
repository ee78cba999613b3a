#include "service/generations/generation_reaper.h"

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "tests/service/generations/generation_fixture.h"
#include "tests/testing/fake_clock.h"

namespace semblance::testing {
namespace {

using service::GenerationReaper;
using Ptr = service::LiveGenerations::Ptr;

class GenerationReaperTest : public ::testing::Test, public GenerationFixture {
 protected:
  // Makes a loaded generation that only the caller owns.
  Ptr TakeGeneration() {
    EXPECT_OK(StartAll("model"));
    return engine().live().Remove(BuildReady("other"));
  }

  FakeClock fake_clock_;
};

TEST_F(GenerationReaperTest, RunsWhatComesAfterItWhenTheGraceHasPassed) {
  GenerationReaper reaper(&fake_clock_);
  std::promise<void> done;
  std::future<void> later = done.get_future();
  reaper.Retire(nullptr, absl::Seconds(30), [&] { done.set_value(); });
  EXPECT_EQ(fake_clock_.AwaitWaiting(1), absl::Seconds(30));
  fake_clock_.Advance(absl::Seconds(29));
  EXPECT_EQ(fake_clock_.AwaitWaiting(1), absl::Seconds(1));
  EXPECT_EQ(later.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  fake_clock_.Advance(absl::Seconds(1));
  later.get();
}

TEST_F(GenerationReaperTest, EachGenerationHasAGraceOfItsOwn) {
  GenerationReaper reaper(&fake_clock_);
  std::promise<void> late;
  reaper.Retire(nullptr, absl::Seconds(30), [&] { late.set_value(); });
  EXPECT_EQ(fake_clock_.AwaitWaiting(1), absl::Seconds(30));
  std::promise<void> early;
  reaper.Retire(nullptr, absl::ZeroDuration(), [&] { early.set_value(); });
  early.get_future().get();
  fake_clock_.AdvanceToNext();
  late.get_future().get();
}

TEST_F(GenerationReaperTest, DestroysAGenerationWhenItsLastRequestHasEnded) {
  Ptr request = TakeGeneration();
  const std::weak_ptr<service::Generation> watch = request;
  GenerationReaper reaper(&fake_clock_);
  std::promise<void> done;
  std::future<void> later = done.get_future();
  reaper.Retire(request, absl::ZeroDuration(), [&] { done.set_value(); });
  EXPECT_EQ(request->manifest().id(), "gen-000002") << "the request still uses it";
  EXPECT_EQ(later.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  request.reset();
  later.get();
  EXPECT_TRUE(watch.expired());
}

TEST_F(GenerationReaperTest, DestroysAtOnceWhatNoRequestHolds) {
  Ptr generation = TakeGeneration();
  GenerationReaper reaper(&fake_clock_);
  std::promise<void> done;
  reaper.Retire(std::move(generation), absl::ZeroDuration(), [&] { done.set_value(); });
  done.get_future().get();
}

TEST_F(GenerationReaperTest, ItsEndWaitsForARequest) {
  Ptr request = TakeGeneration();
  auto reaper = std::make_unique<GenerationReaper>(&fake_clock_);
  reaper->Retire(request, absl::ZeroDuration(), [] {});
  auto end = std::async(std::launch::async, [&] { reaper.reset(); });
  EXPECT_EQ(end.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  request.reset();
  end.get();
}

TEST_F(GenerationReaperTest, ItsEndDoesNotWaitForAGrace) {
  bool ran = false;
  {
    GenerationReaper reaper(&fake_clock_);
    reaper.Retire(nullptr, absl::Hours(1), [&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace semblance::testing
