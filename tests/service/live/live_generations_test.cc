#include "service/live/live_generations.h"

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/live/live_fixture.h"
#include "tests/testing/fake_clock.h"

namespace semblance::testing {
namespace {

using service::LiveGenerations;
using ::testing::ElementsAre;

constexpr absl::Duration kLongPause = absl::Seconds(30);

absl::Status Ok() {
  return absl::OkStatus();
}

class LiveGenerationsTest : public ::testing::Test, public LiveFixture {
 protected:
  // Writes as the engine does: inside the gate, to the catalog and then to the active generation.
  void Write(const std::string& id, uint32_t picture) {
    std::promise<void> in_gate;
    live_.gate().Enter([&in_gate] { in_gate.set_value(); });
    in_gate.get_future().wait();
    const catalog::WriteResult write = Upsert({ItemOf(id, picture)});
    const auto& embedder = static_cast<const BundledFakeEmbedder&>(live_.active()->embedder());
    ASSERT_OK(live_.active()->ApplyUpsert(write, embedder.VectorOf(NoiseImage(8, 8, 1, picture))));
    live_.NotifyWrite();
    live_.gate().Leave();
  }

  // Makes one active generation and one that follows. Returns the id of the second.
  std::string StartWithTwo() {
    live_.SetActive(Load(1));
    const auto other = Load(2);
    EXPECT_OK(live_.Add(other, nullptr));
    return other->manifest().id();
  }

  std::string ActiveId() const { return live_.active()->manifest().id(); }

  FakeClock clock_;
  LiveGenerations live_{&catalog(), &clock_};
};

TEST_F(LiveGenerationsTest, HasNoActiveGenerationAtFirst) {
  EXPECT_EQ(live_.active(), nullptr);
  EXPECT_EQ(live_.Find("gen-000001"), nullptr);
  EXPECT_EQ(live_.RouteOf("somebody").answers.generation, nullptr);
  EXPECT_EQ(live_.Remove("gen-000001"), nullptr);
  EXPECT_TRUE(live_.Clear().empty());
}

TEST_F(LiveGenerationsTest, FindsTheActiveOneAndThoseBesideIt) {
  const std::string other = StartWithTwo();
  EXPECT_EQ(live_.Find(ActiveId()), live_.active());
  EXPECT_EQ(live_.Find(other)->manifest().id(), other);
  EXPECT_EQ(live_.Find("gen-000077"), nullptr);
}

TEST_F(LiveGenerationsTest, AGenerationThatIsAddedCatchesUpFirst) {
  live_.SetActive(Load(1));
  const auto late = Load(2);
  Write("a", 1);
  std::vector<uint64_t> told;
  ASSERT_OK(live_.Add(late, [&told](uint64_t sequence) { told.push_back(sequence); }));
  EXPECT_THAT(told, ElementsAre(1));
  ExpectHas(*late, {{"a", 1}});
}

TEST_F(LiveGenerationsTest, WithWritesHeldEveryGenerationHasEveryWrite) {
  const std::string other = StartWithTwo();
  Write("a", 1);
  Write("b", 2);
  Write("a", 3);
  const auto pause = live_.WithWritesHeld(other, kLongPause, [&] {
    EXPECT_EQ(live_.Find(other)->index().applied_sequence(), catalog().last_sequence());
    ExpectHas(*live_.Find(other), {{"a", 3}, {"b", 2}});
    return absl::OkStatus();
  });
  ASSERT_OK(pause);
  EXPECT_EQ(*pause, absl::ZeroDuration()) << "by the clock, which stands still";
  Write("c", 4);  // The gate is open again.
}

TEST_F(LiveGenerationsTest, ReturnsTheErrorFromInsideAndLetsWritesPass) {
  const std::string other = StartWithTwo();
  EXPECT_THAT(live_.WithWritesHeld(other, kLongPause, [] { return absl::InternalError("inside"); }),
              StatusIs(absl::StatusCode::kInternal));
  Write("a", 1);
  EXPECT_THAT(live_.WithWritesHeld("gen-000077", kLongPause, Ok), HasReason("GENERATION_NOT_FOUND"));
  EXPECT_THAT(live_.WithWritesHeld(ActiveId(), kLongPause, Ok), HasReason("GENERATION_NOT_FOUND"));
}

// A clock that advances by a second whenever it is read.
class TickingClock final : public Clock {
 public:
  absl::Time Now() const override {
    clock_.Advance(absl::Seconds(1));
    return clock_.Now();
  }
  bool WaitUntil(absl::Time time, const std::stop_token& stop) override { return clock_.WaitUntil(time, stop); }

 private:
  mutable FakeClock clock_;
};

TEST_F(LiveGenerationsTest, GivesUpWhenItNeverFindsAMomentToHoldWrites) {
  TickingClock clock;
  LiveGenerations live(&catalog(), &clock);
  live.SetActive(Load(1));
  const auto other = Load(2);
  ASSERT_OK(live.Add(other, nullptr));
  live.gate().Enter([] {});  // A commit that does not end.
  const auto held = live.WithWritesHeld(other->manifest().id(), absl::Milliseconds(1), Ok);
  EXPECT_THAT(held, HasReason("GENERATION_LAGGING"));
  EXPECT_TRUE(RetryDelay(held.status()).has_value());
  live.gate().Leave();
}

TEST_F(LiveGenerationsTest, AnActivationLetsTwoGenerationsChangePlaces) {
  const std::string first = "gen-000001";
  const std::string second = StartWithTwo();
  Write("a", 1);
  bool durable = false;
  ASSERT_OK(live_.Activate(
      second, kLongPause,
      [&] {
        EXPECT_EQ(ActiveId(), first);
        durable = true;
        return absl::OkStatus();
      },
      [] { FAIL() << "there is nothing to undo"; }));
  EXPECT_TRUE(durable);
  EXPECT_EQ(ActiveId(), second);
  // The generation that was active before now follows.
  Write("b", 2);
  ASSERT_OK(live_.WithWritesHeld(first, kLongPause, Ok));
  ExpectHas(*live_.Find(first), {{"a", 1}, {"b", 2}});
  ExpectHas(*live_.active(), {{"a", 1}, {"b", 2}});
}

TEST_F(LiveGenerationsTest, TheFirstActivationNeedsNoActiveGeneration) {
  Upsert({ItemOf("a", 1)});
  const auto only = Load(1);
  ASSERT_OK(live_.Add(only, nullptr));
  ASSERT_OK(live_.Activate(only->manifest().id(), kLongPause, Ok, [] {}));
  EXPECT_EQ(live_.active(), only);
}

TEST_F(LiveGenerationsTest, UndoesWhatWasMadeDurableWhenPlacesAreNotChanged) {
  StartWithTwo();
  bool undone = false;
  EXPECT_THAT(live_.Activate("gen-000077", kLongPause, Ok, [&] { undone = true; }), HasReason("GENERATION_NOT_FOUND"));
  EXPECT_TRUE(undone);
  EXPECT_EQ(ActiveId(), "gen-000001");
}

TEST_F(LiveGenerationsTest, ChangesNothingWhenTheChoiceCannotBeMadeDurable) {
  const std::string other = StartWithTwo();
  EXPECT_THAT(
      live_.Activate(
          other, kLongPause, [] { return absl::InternalError("the disk is full"); }, [] { FAIL() << "nothing was made durable"; }),
      StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(ActiveId(), "gen-000001");
}

TEST_F(LiveGenerationsTest, AGenerationThatIsRemovedNoLongerFollows) {
  const std::string other = StartWithTwo();
  const auto removed = live_.Remove(other);
  ASSERT_NE(removed, nullptr);
  EXPECT_EQ(live_.Find(other), nullptr);
  EXPECT_EQ(live_.Remove(ActiveId()), nullptr) << "the active one stays";
  Write("a", 1);
  ExpectHas(*removed, {});
}

TEST_F(LiveGenerationsTest, SaysWhichGenerationCanNoLongerFollow) {
  std::promise<std::string> failed;
  live_.SetFailureCallback([&failed](const std::string& id, const absl::Status& status) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal));
    failed.set_value(id);
  });
  const std::string other = StartWithTwo();
  embedder().FailWith(absl::InternalError("the network is broken"));
  Write("a", 1);
  EXPECT_EQ(failed.get_future().get(), other);
}

TEST_F(LiveGenerationsTest, ACanaryAnswersThePointsBelowItsShare) {
  const std::string other = StartWithTwo();
  ASSERT_OK(live_.SetTraffic(other, {.canary = 0.25, .shadow = 0}));
  for (int i = 0; i < 200; ++i) {
    const std::string key = absl::StrCat("user ", i);
    const LiveGenerations::Route route = live_.RouteOf(key);
    EXPECT_EQ(route.answers.generation->manifest().id(), service::RoutingPoint(key) < 0.25 ? other : ActiveId()) << key;
    EXPECT_EQ(route.answers.counter != nullptr, route.answers.generation != live_.active());
    EXPECT_TRUE(route.shadows.empty());
  }
}

TEST_F(LiveGenerationsTest, CanariesLieNextToEachOtherInTheOrderOfTheirIds) {
  const std::string second = StartWithTwo();
  const auto third = Load(3);
  ASSERT_OK(live_.Add(third, nullptr));
  ASSERT_OK(live_.SetTraffic(second, {.canary = 0.25, .shadow = 0}));
  ASSERT_OK(live_.SetTraffic(third->manifest().id(), {.canary = 0.5, .shadow = 0}));
  for (int i = 0; i < 200; ++i) {
    const std::string key = absl::StrCat("user ", i);
    const double point = service::RoutingPoint(key);
    const std::string expected = point < 0.25 ? second : point < 0.75 ? third->manifest().id() : ActiveId();
    EXPECT_EQ(live_.RouteOf(key).answers.generation->manifest().id(), expected) << key;
  }
}

TEST_F(LiveGenerationsTest, AShadowIsAskedToo) {
  const std::string other = StartWithTwo();
  ASSERT_OK(live_.SetTraffic(other, {.canary = 0, .shadow = 1}));
  const LiveGenerations::Route route = live_.RouteOf("somebody");
  EXPECT_EQ(route.answers.generation, live_.active());
  ASSERT_EQ(route.shadows.size(), 1u);
  EXPECT_EQ(route.shadows[0].generation->manifest().id(), other);
  EXPECT_NE(route.shadows[0].counter, nullptr);
}

TEST_F(LiveGenerationsTest, ACanarysAnswerIsNotCompared) {
  const std::string second = StartWithTwo();
  const auto third = Load(3);
  ASSERT_OK(live_.Add(third, nullptr));
  ASSERT_OK(live_.SetTraffic(second, {.canary = 1, .shadow = 0}));
  ASSERT_OK(live_.SetTraffic(third->manifest().id(), {.canary = 0, .shadow = 1}));
  const LiveGenerations::Route route = live_.RouteOf("somebody");
  EXPECT_EQ(route.answers.generation->manifest().id(), second);
  EXPECT_TRUE(route.shadows.empty());
}

TEST_F(LiveGenerationsTest, CountsTrafficUntilItEnds) {
  const std::string other = StartWithTwo();
  EXPECT_FALSE(live_.TrafficOf(other).has_value());
  ASSERT_OK(live_.SetTraffic(other, {.canary = 0.5, .shadow = 0.25}));
  live_.RouteOf("somebody");
  EXPECT_EQ(live_.TrafficOf(other)->shares.canary, 0.5);
  EXPECT_EQ(live_.TrafficOf(other)->shares.shadow, 0.25);
  EXPECT_EQ(live_.TrafficOf(other)->canary_count, 0) << "who answers counts";
  ASSERT_OK(live_.SetTraffic(other, {}));
  EXPECT_FALSE(live_.TrafficOf(other).has_value());
  ASSERT_OK(live_.SetTraffic(other, {.canary = 1, .shadow = 0}));
  ASSERT_OK(live_.Activate(other, kLongPause, Ok, [] {}));
  EXPECT_FALSE(live_.TrafficOf("gen-000001").has_value());
  EXPECT_EQ(live_.RouteOf("somebody").answers.counter, nullptr);
}

TEST_F(LiveGenerationsTest, RefusesCanariesThatSumToMoreThanOne) {
  const std::string second = StartWithTwo();
  const auto third = Load(3);
  ASSERT_OK(live_.Add(third, nullptr));
  ASSERT_OK(live_.SetTraffic(second, {.canary = 0.75, .shadow = 0}));
  EXPECT_THAT(live_.SetTraffic(third->manifest().id(), {.canary = 0.5, .shadow = 0}), HasField("traffic.canary_share"));
  ASSERT_OK(live_.SetTraffic(third->manifest().id(), {.canary = 0.25, .shadow = 1}));
  // The generation's own share is replaced, not added to.
  ASSERT_OK(live_.SetTraffic(second, {.canary = 0.5, .shadow = 0}));
}

TEST_F(LiveGenerationsTest, ClearTakesOutAllOfThem) {
  const std::string other = StartWithTwo();
  std::vector<LiveGenerations::Ptr> cleared = live_.Clear();
  ASSERT_EQ(cleared.size(), 2u);
  EXPECT_EQ(cleared[0]->manifest().id(), "gen-000001");
  EXPECT_EQ(cleared[1]->manifest().id(), other);
  EXPECT_EQ(live_.active(), nullptr);
  EXPECT_EQ(live_.Find(other), nullptr);
}

}  // namespace
}  // namespace semblance::testing
