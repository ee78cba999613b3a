// Tests writes, a cancellation and a shutdown in each state of a generation that is being built.
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "common/file.h"
#include "gtest/gtest.h"
#include "tests/service/generations/generation_fixture.h"

namespace semblance::testing {
namespace {

using State = service::GenerationState;

constexpr int kItems = 60;

const std::set<State> kEnds = {State::kReady, State::kActive, State::kStandby, State::kFailed, State::kCancelled};

class GenerationPhasesTest : public ::testing::TestWithParam<State>, public GenerationFixture {
 protected:
  void StartWithItems() {
    ASSERT_OK(StartAll("model"));
    std::vector<catalog::ItemWrite> items;
    for (uint32_t i = 0; i < kItems; ++i) {
      items.push_back(ItemOf(absl::StrCat(i), i));
      model_[absl::StrCat(i)] = i;
    }
    ASSERT_OK(Upsert(std::move(items)));
  }

  // Writes or deletes an item at random, and does the same to model_.
  void WriteSomething() {
    const std::string id = absl::StrCat(random_() % (kItems + 10));
    if (random_() % 3 == 0) {
      ASSERT_OK(Delete({id}));
      model_.erase(id);
      return;
    }
    const uint32_t picture = 1000 + random_() % 1000;
    ASSERT_OK(Upsert({ItemOf(id, picture)}));
    model_[id] = picture;
  }

  std::map<std::string, uint32_t> model_;
  std::mt19937 random_{17};
};

TEST_P(GenerationPhasesTest, WritesAndDeletesInThisStateReachBothGenerations) {
  StartWithItems();
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const std::string id = created->manifest.id();
  bool written = false;
  // The observer runs on the building worker and makes it wait, so the generation stays in the state.
  const service::GenerationInfo info = AwaitState(id, kEnds, [&](const service::GenerationInfo& now) {
    if (now.state == GetParam() && !std::exchange(written, true)) {
      for (int i = 0; i < 20; ++i) {
        WriteSomething();
      }
    }
  });
  ASSERT_EQ(info.state, State::kReady) << info.reason;
  ExpectEquals("gen-000001", model_);
  ExpectEquals(id, model_);
  ASSERT_OK(generations().Activate(id, "", false));
  for (int i = 0; i < 20; ++i) {
    WriteSomething();
  }
  ExpectEquals(id, model_);
  ASSERT_OK(generations().Rollback(""));
  ExpectEquals("gen-000001", model_);
  ExpectEquals(id, model_);
}

TEST_P(GenerationPhasesTest, ABuildThatAShutdownInterruptsInThisStateIsResumed) {
  StartWithItems();
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const std::string id = created->manifest.id();
  AwaitState(id, {GetParam(), State::kReady});
  StopAll();
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(ActiveId(), "gen-000001");
  for (int i = 0; i < 5; ++i) {
    WriteSomething();
  }
  const service::GenerationInfo info = AwaitState(id, kEnds);
  ASSERT_EQ(info.state, State::kReady) << info.reason;
  ExpectEquals("gen-000001", model_);
  ExpectEquals(id, model_);
  ASSERT_OK(generations().Activate(id, "", false));
  // A restart keeps both the active generation and the one before it.
  StopAll();
  ASSERT_OK(StartAll(""));
  EXPECT_EQ(ActiveId(), id);
  EXPECT_EQ(AwaitEnd("gen-000001").state, State::kStandby);
  EXPECT_EQ(generations().List()->previous, "gen-000001");
  ExpectEquals("gen-000001", model_);
  ASSERT_OK(generations().Rollback(""));
}

TEST_P(GenerationPhasesTest, CancellingInThisStateLeavesTheActiveOneAlone) {
  StartWithItems();
  const auto created = generations().Create(SpecOf("other"));
  ASSERT_OK(created);
  const std::string id = created->manifest.id();
  const service::GenerationInfo reached = AwaitState(id, {GetParam(), State::kReady});
  const auto cancelled = generations().Cancel(id);
  const service::GenerationInfo info = AwaitState(id, {State::kReady, State::kCancelled});
  if (!cancelled.ok()) {
    // The build was complete before the cancellation arrived.
    EXPECT_THAT(cancelled.status(), HasReason("GENERATION_BUILT"));
    EXPECT_EQ(info.state, State::kReady);
  } else if (info.state == State::kCancelled) {
    EXPECT_OK(generations().Cancel(id));
    EXPECT_FALSE(PathExists(data_dir() + "/generations/" + id + "/index"));
    EXPECT_OK(generations().Delete(id));
  }
  EXPECT_EQ(ActiveId(), "gen-000001");
  WriteSomething();
  ExpectEquals("gen-000001", model_);
  // The cancelled build does not hinder the next one.
  EXPECT_EQ(AwaitState(BuildReady("third"), {State::kReady}).state, State::kReady);
}

INSTANTIATE_TEST_SUITE_P(States, GenerationPhasesTest,
                         ::testing::Values(State::kCreating, State::kEmbedding, State::kLoading, State::kCatchingUp,
                                           State::kWarming, State::kReady),
                         [](const auto& each) { return std::string(service::GenerationStateName(each.param)); });

class GenerationRandomTest : public ::testing::TestWithParam<uint32_t>, public GenerationFixture {};

// Runs several writers, builds, activations, rollbacks and restarts at random. Each writer has ids of its own, so that the final
// items are known.
TEST_P(GenerationRandomTest, AgreesWithAMapAfterAnyMixOfWritesBuildsAndActivations) {
  constexpr int kWriters = 3;
  ASSERT_OK(StartAll("model"));
  std::map<std::string, uint32_t> model;
  for (int round = 0; round < 3; ++round) {
    std::atomic<bool> stop = false;
    std::vector<std::map<std::string, std::optional<uint32_t>>> written(kWriters);
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        std::mt19937 random(GetParam() * 100 + static_cast<uint32_t>(10 * round + w));
        while (!stop) {
          const std::string id = absl::StrCat(w, "-", random() % 15);
          if (random() % 3 == 0) {
            EXPECT_OK(Delete({id}));
            written[static_cast<size_t>(w)][id] = std::nullopt;
          } else {
            const uint32_t picture = random() % 2000;
            EXPECT_OK(Upsert({ItemOf(id, picture)}));
            written[static_cast<size_t>(w)][id] = picture;
          }
        }
      });
    }
    const std::string id = BuildReady(round % 2 == 0 ? "other" : "third");
    EXPECT_OK(generations().Activate(id, "", false));
    EXPECT_OK(generations().Rollback(""));
    EXPECT_OK(generations().Rollback(""));
    stop = true;
    for (std::thread& writer : writers) {
      writer.join();
    }
    for (const auto& of_one : written) {
      for (const auto& [item, picture] : of_one) {
        if (picture.has_value()) {
          model[item] = *picture;
        } else {
          model.erase(item);
        }
      }
    }
    EXPECT_EQ(ActiveId(), id);
    ExpectEquals(id, model);
    ExpectEquals(generations().List()->previous, model);
    if (round == 1) {
      StopAll();
      ASSERT_OK(StartAll(""));
      EXPECT_EQ(AwaitEnd(generations().List()->previous).state, State::kStandby);
      ExpectEquals(id, model);
      ExpectEquals(generations().List()->previous, model);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, GenerationRandomTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace semblance::testing
