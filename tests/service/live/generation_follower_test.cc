#include "service/live/generation_follower.h"

#include <future>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/threads/thread_pool.h"
#include "gtest/gtest.h"
#include "tests/service/live/live_fixture.h"
#include "tests/testing/fake_clock.h"

namespace semblance::testing {
namespace {

using service::Generation;
using service::GenerationFollower;

class GenerationFollowerTest : public ::testing::Test, public LiveFixture {
 protected:
  std::unique_ptr<GenerationFollower> NewFollower(const std::shared_ptr<Generation>& generation) {
    return std::make_unique<GenerationFollower>(
        generation, &catalog(), &thread_, [this](const absl::Status& status) { failure_.set_value(status); }, &clock_);
  }

  // Returns when the thread has done everything that it was given before.
  void AwaitThread() {
    std::promise<void> reached;
    thread_.Schedule([&reached] { reached.set_value(); });
    reached.get_future().wait();
  }

  FakeClock clock_;
  std::promise<absl::Status> failure_;
  ThreadPool thread_{"follower", 1, 8};
};

TEST_F(GenerationFollowerTest, ACatchUpTakesWritesReplacementsAndDeletions) {
  Upsert({ItemOf("a", 1), ItemOf("b", 2)});
  const auto generation = Load(1);
  Upsert({ItemOf("a", 3), ItemOf("c", 4), ItemOf("d", 5)});
  Delete({"b", "d"});
  const auto follower = NewFollower(generation);
  ASSERT_OK(follower->CatchUp(absl::InfiniteFuture()));
  ExpectHas(*generation, {{"a", 3}, {"c", 4}});
  EXPECT_EQ(generation->index().applied_sequence(), catalog().last_sequence());
}

TEST_F(GenerationFollowerTest, ACatchUpWithNothingToReadChangesNothing) {
  Upsert({ItemOf("a", 1)});
  const auto generation = Load(1);
  const auto follower = NewFollower(generation);
  ASSERT_OK(follower->CatchUp(absl::InfiniteFuture()));
  ExpectHas(*generation, {{"a", 1}});
  EXPECT_EQ(generation->index().applied_sequence(), 1u);
}

TEST_F(GenerationFollowerTest, TellsTheAppliedSequence) {
  const auto generation = Load(1);
  Upsert({ItemOf("a", 1), ItemOf("b", 2)});
  const auto follower = NewFollower(generation);
  std::vector<uint64_t> told;
  ASSERT_OK(follower->CatchUp(absl::InfiniteFuture(), [&told](uint64_t sequence) { told.push_back(sequence); }));
  EXPECT_EQ(told, std::vector<uint64_t>({2}));
}

TEST_F(GenerationFollowerTest, AgreesWithAMapAfterRandomWrites) {
  std::mt19937 random(5);
  std::map<std::string, uint32_t> model;
  const auto generation = Load(1);
  const auto follower = NewFollower(generation);
  for (int step = 0; step < 150; ++step) {
    const std::string id = absl::StrCat("item", random() % 12);
    if (random() % 3 != 0) {
      model[id] = static_cast<uint32_t>(random() % 20);
      Upsert({ItemOf(id, model[id])});
    } else {
      Delete({id});
      model.erase(id);
    }
    if (random() % 4 == 0) {
      ASSERT_OK(follower->CatchUp(absl::InfiniteFuture()));
      ExpectHas(*generation, model);
    }
  }
}

TEST_F(GenerationFollowerTest, FollowsByItselfOnceItIsStarted) {
  const auto generation = Load(1);
  Upsert({ItemOf("a", 1)});
  const auto follower = NewFollower(generation);
  follower->Notify();
  AwaitThread();
  ExpectHas(*generation, {});
  follower->Start();  // It takes what was written before, too.
  AwaitThread();
  ExpectHas(*generation, {{"a", 1}});
  Upsert({ItemOf("b", 2)});
  follower->Notify();
  AwaitThread();
  ExpectHas(*generation, {{"a", 1}, {"b", 2}});
}

TEST_F(GenerationFollowerTest, SaysOnceThatItFailedAndStopsFollowing) {
  const auto generation = Load(1);
  const auto follower = NewFollower(generation);
  follower->Start();
  AwaitThread();
  embedder().FailWith(absl::InternalError("the network is broken"));
  Upsert({ItemOf("a", 1)});
  follower->Notify();
  EXPECT_THAT(failure_.get_future().get(), StatusIs(absl::StatusCode::kInternal));
  embedder().FailWith(absl::OkStatus());
  follower->Notify();  // A second failure would set the promise again, and throw.
  AwaitThread();
  ExpectHas(*generation, {});
  EXPECT_THAT(follower->CatchUp(absl::InfiniteFuture()), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(GenerationFollowerTest, OnlyTheHolderMakesRoundsAndNobodyAfterItsEnd) {
  const auto generation = Load(1);
  const auto follower = NewFollower(generation);
  follower->Start();
  AwaitThread();
  {
    GenerationFollower::Hold hold(follower.get());
    Upsert({ItemOf("a", 1)});
    follower->Notify();
    ExpectHas(*generation, {});
    ASSERT_OK(hold.CatchUp(absl::InfiniteFuture()));
    ExpectHas(*generation, {{"a", 1}});
    hold.End();
  }
  Upsert({ItemOf("b", 2)});
  follower->Notify();
  AwaitThread();
  ExpectHas(*generation, {{"a", 1}});
}

TEST_F(GenerationFollowerTest, ItsDestructorWaitsForTheRoundThatRuns) {
  const auto generation = Load(1);
  auto follower = NewFollower(generation);
  follower->Start();
  AwaitThread();
  embedder().CloseGate();
  Upsert({ItemOf("a", 1)});
  follower->Notify();
  embedder().AwaitCallAtGate();
  std::future<void> destroyed = std::async(std::launch::async, [&follower] { follower.reset(); });
  embedder().OpenGate();
  destroyed.get();
  // The round was either interrupted or complete. It was never applied in part.
  EXPECT_EQ(generation->Records().size(), static_cast<size_t>(generation->index().Stats().live_rows));
}

// A catalog whose change log never ends. Each read finds deletions of unknown ids.
class EndlessCatalog final : public catalog::Catalog {
 public:
  void Upsert(std::vector<catalog::ItemWrite>, WriteCallback) override {}
  void Delete(std::vector<std::string>, WriteCallback) override {}
  absl::StatusOr<catalog::CatalogItem> Find(absl::string_view) const override { return absl::NotFoundError("fake"); }
  absl::StatusOr<std::string> ReadImage(uint64_t) const override { return absl::NotFoundError("fake"); }
  absl::StatusOr<std::vector<catalog::CatalogItem>> List(absl::string_view, int) const override {
    return std::vector<catalog::CatalogItem>();
  }
  absl::StatusOr<std::vector<catalog::Change>> ReadChanges(uint64_t after_sequence, int limit) const override {
    std::vector<catalog::Change> changes(static_cast<size_t>(limit));
    for (catalog::Change& change : changes) {
      change.sequence = ++after_sequence;
      change.deleted = true;
      change.item.id = absl::StrCat("gone", after_sequence);
    }
    return changes;
  }
  int64_t item_count() const override { return 0; }
  uint64_t last_sequence() const override { return 0; }
};

TEST_F(GenerationFollowerTest, GivesUpAtTheDeadlineAndKeepsWhatWasDone) {
  const auto generation = Load(1);
  const EndlessCatalog endless;
  GenerationFollower follower(
      generation, &endless, &thread_, [](const absl::Status&) {}, &clock_);
  const absl::Time deadline = clock_.Now() + absl::Seconds(2);
  int steps = 0;
  const absl::Status status = follower.CatchUp(deadline, [&](uint64_t) {
    ++steps;
    clock_.Advance(absl::Seconds(1));
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(steps, 3) << "a step that ends at the deadline is in time";
  EXPECT_GE(generation->index().applied_sequence(), 3 * GenerationFollower::kMaxStep);
}

}  // namespace
}  // namespace semblance::testing
