// Kills the server and the builder with kill -9 in every state of a generation. The old or the new generation must answer, and no
// acknowledged write may be lost.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/generation_client.h"
#include "tests/integration/generation_world.h"
#include "tests/integration/live_traffic.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kOther[] = "gen-000002";
constexpr int kMoreItems = 300;

class GenerationsCrashTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { world_ = new GenerationWorld(kMoreItems); }
  static void TearDownTestSuite() { delete world_; }

  // These clients end with the server. They use new ids in every round, so that writes without an answer stay distinguishable.
  std::unique_ptr<LiveTraffic> NewTraffic(const ServerProcess& server) {
    LiveTraffic::Options options;
    options.searchers = 1;
    options.errors = LiveTraffic::Errors::kEndTheClient;
    options.prefix = absl::StrCat("round", ++rounds_);
    return std::make_unique<LiveTraffic>(server.channel(), &world_->oracle(), &ledger_, options);
  }

  static void Kill(ServerProcess& server) {
    server.process().Signal(SIGKILL);
    EXPECT_EQ(server.process().Wait(), 128 + SIGKILL);
  }

  // Kills a server whose builder has begun, and returns the builder, which is suspended. SIGCONT resumes it.
  pid_t KillServerUnderItsBuilder() const {
    // When a process group loses its last parent, the kernel sends SIGHUP to its stopped processes and wakes them.
    const std::string builder_path = copy_.Join("builder");
    EXPECT_OK(WriteFileAtomically(builder_path, "#!/bin/sh\ntrap '' HUP\nexec " SEMBLANCE_BIN_DIR "/semblance-builder \"$@\"\n"));
    std::filesystem::permissions(builder_path, std::filesystem::perms::owner_all);
    copy_.Configure(absl::StrCat("generations { builder_path: \"", builder_path, "\" }"));
    const std::unique_ptr<ServerProcess> server = copy_.Start();
    EXPECT_EQ(GenerationClient(server->channel()).Create(kOtherModel), kOther);
    const pid_t builder = copy_.SuspendBuilder(kOther);
    {
      // The builder is stopped again at once, however long the server takes to end.
      std::atomic<bool> dead = false;
      std::thread keeps_stopping([&] {
        while (!dead) {
          ::kill(builder, SIGSTOP);
          std::this_thread::yield();
        }
      });
      Kill(*server);
      dead = true;
      keeps_stopping.join();
    }
    ::kill(builder, SIGSTOP);
    EXPECT_FALSE(PathExists(copy_.data_dir() + "/generations/gen-000002/build.json")) << "the builder was too fast";
    return builder;
  }

  // Everything that was acknowledged, before the test and during it.
  void ExpectAllThere(const ServerProcess& server, const std::string& generation) const {
    ExpectLedgerHolds(server.channel(), world_->oracle(), ledger_, generation);
    ExpectLedgerHolds(server.channel(), world_->oracle(), world_->ledger(), generation);
  }

  // The build must become READY from any point. It must answer when it is activated, and the first generation must answer after a
  // rollback.
  void ExpectBuildEndsWell(const ServerProcess& server) const {
    const GenerationClient client(server.channel());
    EXPECT_EQ(client.List().active(), kFirstGeneration);
    const v1::Generation built = client.WatchUntilAtRest(kOther);
    ASSERT_EQ(built.state(), v1::GENERATION_STATE_READY) << built.state_reason();
    ExpectAllThere(server, kFirstGeneration);
    ExpectAllThere(server, kOther);
    const RichError activated = client.Activate(kOther, kFirstGeneration);
    ASSERT_TRUE(activated.ok()) << activated;
    ExpectAllThere(server, kOther);
    const RichError rolled_back = client.Rollback(kOther);
    ASSERT_TRUE(rolled_back.ok()) << rolled_back;
  }

  static GenerationWorld* world_;
  const WorldCopy copy_{world_};
  Ledger ledger_;
  int rounds_ = 0;
};

GenerationWorld* GenerationsCrashTest::world_ = nullptr;

class ServerKilledIn : public GenerationsCrashTest, public ::testing::WithParamInterface<v1::GenerationState> {};

TEST_P(ServerKilledIn, GoesOnAndLosesNothing) {
  {
    const std::unique_ptr<ServerProcess> server = copy_.Start();
    const GenerationClient client(server->channel());
    const std::unique_ptr<LiveTraffic> traffic = NewTraffic(*server);
    traffic->AwaitMore(5);
    ASSERT_EQ(client.Create(kOtherModel), kOther);
    // A watch may miss a state that ends in a moment, and then sees the next one.
    const v1::Generation seen = client.WatchUntilState(kOther, GetParam());
    RecordProperty("killed_in", v1::GenerationState_Name(seen.state()));
    EXPECT_LE(seen.state(), v1::GENERATION_STATE_READY);
    if (GetParam() == v1::GENERATION_STATE_READY) {
      traffic->AwaitMore(5);
    }
    Kill(*server);
    traffic->Stop();
    EXPECT_THAT(traffic->faults(), IsEmpty());
  }
  ExpectBuildEndsWell(*copy_.Start());
}

INSTANTIATE_TEST_SUITE_P(EachState, ServerKilledIn,
                         ::testing::Values(v1::GENERATION_STATE_CREATING, v1::GENERATION_STATE_EMBEDDING,
                                           v1::GENERATION_STATE_INDEXING, v1::GENERATION_STATE_LOADING,
                                           v1::GENERATION_STATE_CATCHING_UP, v1::GENERATION_STATE_WARMING,
                                           v1::GENERATION_STATE_READY),
                         [](const auto& each) {
                           const std::vector<std::string> words = absl::StrSplit(v1::GenerationState_Name(each.param), '_');
                           return absl::StrCat(words[2], words.size() > 3 ? words[3] : "");
                         });

TEST_F(GenerationsCrashTest, ABuilderKilledAtRandomMomentsGoesOn) {
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  const GenerationClient client(server->channel());
  const std::unique_ptr<LiveTraffic> traffic = NewTraffic(*server);
  ASSERT_EQ(client.Create(kOtherModel), kOther);
  std::mt19937 random(11);
  std::vector<pid_t> killed;
  // The server gives up after one more failure without progress.
  while (killed.size() < 3 && client.Get(kOther).state() < v1::GENERATION_STATE_LOADING) {
    for (const pid_t builder : copy_.Builders()) {
      if (std::find(killed.begin(), killed.end(), builder) == killed.end()) {
        absl::SleepFor(absl::Milliseconds(random() % 400));  // A random moment is the point.
        ::kill(builder, SIGKILL);
        killed.push_back(builder);
      }
    }
  }
  EXPECT_THAT(killed, ::testing::Not(IsEmpty()));
  EXPECT_EQ(client.WatchUntilAtRest(kOther).state(), v1::GENERATION_STATE_READY);
  traffic->Stop();
  EXPECT_THAT(traffic->faults(), IsEmpty());
  ExpectBuildEndsWell(*server);
}

TEST_F(GenerationsCrashTest, ServerAndBuilderKilledAtRandomMomentsGoOn) {
  std::mt19937 random(5);
  for (int round = 0; round < 4; ++round) {
    const std::unique_ptr<ServerProcess> server = copy_.Start();
    const GenerationClient client(server->channel());
    const std::unique_ptr<LiveTraffic> traffic = NewTraffic(*server);
    if (round == 0) {
      ASSERT_EQ(client.Create(kOtherModel), kOther);
    }
    absl::SleepFor(absl::Milliseconds(random() % 1200));  // A random moment is the point.
    Kill(*server);
    for (const pid_t builder : copy_.Builders()) {
      if (round % 2 == 0) {
        ::kill(builder, SIGKILL);
      }
    }
    traffic->Stop();
    EXPECT_THAT(traffic->faults(), IsEmpty());
  }
  ExpectBuildEndsWell(*copy_.Start());
}

TEST_F(GenerationsCrashTest, ABuilderThatOutlivesItsServerIsWaitedForAndNotDoubled) {
  const pid_t builder = KillServerUnderItsBuilder();
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  const GenerationClient client(server->channel());
  // The new server reports the progress of the earlier server's builder.
  const v1::Generation seen = client.WatchUntil(kOther, [](const v1::Generation& generation) { return generation.has_progress(); });
  EXPECT_EQ(seen.state(), v1::GENERATION_STATE_EMBEDDING);
  EXPECT_THAT(copy_.Builders(), ElementsAre(builder));
  ::kill(builder, SIGCONT);
  ExpectBuildEndsWell(*server);
  // Each builder logs once how much there is to do.
  ASSERT_OK_AND_ASSIGN(const std::string log, ReadFile(copy_.data_dir() + "/generations/gen-000002/builder.log"));
  const std::vector<std::string> parts = absl::StrSplit(log, " are to be embedded by ");
  EXPECT_EQ(parts.size(), 2u) << log;
}

// The builder's files must not be removed while it runs, nor appear again later.
TEST_F(GenerationsCrashTest, ABuilderThatOutlivesItsServerEndsWhenItsBuildIsCancelled) {
  const pid_t builder = KillServerUnderItsBuilder();
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  const GenerationClient client(server->channel());
  EXPECT_THAT(copy_.Builders(), ElementsAre(builder));
  const RichError cancelled = client.Cancel(kOther);
  ASSERT_TRUE(cancelled.ok()) << cancelled;
  ::kill(builder, SIGCONT);
  EXPECT_EQ(client.WatchUntilAtRest(kOther).state(), v1::GENERATION_STATE_CANCELLED);
  EXPECT_FALSE(PathExists(copy_.data_dir() + "/generations/gen-000002/index"));
  EXPECT_EQ(client.List().active(), kFirstGeneration);
}

TEST_F(GenerationsCrashTest, KilledInAnActivationTheOldOrTheNewOneAnswers) {
  std::unique_ptr<ServerProcess> server = copy_.Start();
  ASSERT_EQ(GenerationClient(server->channel()).Create(kOtherModel), kOther);
  ASSERT_EQ(GenerationClient(server->channel()).WatchUntilAtRest(kOther).state(), v1::GENERATION_STATE_READY);
  std::mt19937 random(3);
  std::string active = kFirstGeneration;
  std::string next = kOther;
  for (int round = 0; round < 6; ++round) {
    const GenerationClient client(server->channel());
    const std::unique_ptr<LiveTraffic> traffic = NewTraffic(*server);
    traffic->AwaitMore(3);
    std::future<RichError> answer = std::async(std::launch::async, [&] { return client.Activate(next, active); });
    if (round % 3 == 0) {
      answer.wait();  // Right after the answer.
    } else {
      absl::SleepFor(absl::Microseconds(random() % 30'000));  // A random moment is the point.
    }
    Kill(*server);
    traffic->Stop();
    EXPECT_THAT(traffic->faults(), IsEmpty());
    const bool acknowledged = answer.get().ok();

    server = copy_.Start();
    const GenerationClient after(server->channel());
    const std::string now = after.List().active();
    EXPECT_THAT(now, AnyOf(active, next));
    EXPECT_TRUE(!acknowledged || now == next) << "an acknowledged activation of " << next << " is forgotten";
    const std::string other = now == next ? active : next;
    EXPECT_THAT(after.WatchUntilAtRest(other).state(), AnyOf(v1::GENERATION_STATE_READY, v1::GENERATION_STATE_STANDBY));
    ExpectAllThere(*server, now);
    ExpectAllThere(*server, other);
    active = now;
    next = other;
  }
}

// The cancellation is on disk before it is answered.
TEST_F(GenerationsCrashTest, AnAcknowledgedCancellationIsCarriedOutAfterTheRestart) {
  {
    const std::unique_ptr<ServerProcess> server = copy_.Start();
    const GenerationClient client(server->channel());
    ASSERT_EQ(client.Create(kOtherModel), kOther);
    const pid_t builder = copy_.SuspendBuilder(kOther);
    const RichError cancelled = client.Cancel(kOther);
    ASSERT_TRUE(cancelled.ok()) << cancelled;
    Kill(*server);
    ::kill(builder, SIGKILL);
  }
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  EXPECT_EQ(GenerationClient(server->channel()).WatchUntilAtRest(kOther).state(), v1::GENERATION_STATE_CANCELLED);
}

}  // namespace
}  // namespace semblance::testing
