// A new model goes live through the programs, while clients search and write.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/generation_client.h"
#include "tests/integration/generation_world.h"
#include "tests/integration/live_traffic.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

constexpr char kOther[] = "gen-000002";
// Each phase lasts until this many calls of each kind were answered.
constexpr int64_t kCalls = 20;

class GenerationsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { world_ = new GenerationWorld(0); }
  static void TearDownTestSuite() { delete world_; }

  static int Client(const ServerProcess& server, std::vector<std::string> arguments, std::string* output = nullptr) {
    arguments.insert(arguments.begin(), SEMBLANCE_BIN_DIR "/semblance");
    arguments.push_back("--server=" + server.address());
    return RunProgram(arguments, output);
  }

  static GenerationWorld* world_;
  const WorldCopy copy_{world_};
};

GenerationWorld* GenerationsTest::world_ = nullptr;

TEST_F(GenerationsTest, GoesLiveAndBackWhileSearchesAndWritesRun) {
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  const GenerationClient client(server->channel());
  Ledger ledger;
  LiveTraffic traffic(server->channel(), &world_->oracle(), &ledger, {});
  traffic.AwaitMore(kCalls);
  ASSERT_EQ(client.Create(kOtherModel), kOther);
  const v1::Generation built = client.WatchUntilAtRest(kOther);
  ASSERT_EQ(built.state(), v1::GENERATION_STATE_READY) << built.state_reason();
  EXPECT_EQ(built.embedding_space_id(), world_->other_space());
  EXPECT_EQ(built.model_version(), 2);
  EXPECT_GE(built.evaluation().index_recall(), 0.95);
  EXPECT_EQ(built.evaluation().item_count(), built.evaluation().expected_item_count());

  const RichError mismatch = client.Activate(kOther, kOther);
  EXPECT_EQ(mismatch.code, grpc::StatusCode::ABORTED);
  EXPECT_EQ(mismatch.reason, "ACTIVE_CONFLICT");
  EXPECT_EQ(client.List().active(), kFirstGeneration);

  traffic.AwaitMore(kCalls);
  v1::ActivateGenerationResponse activated;
  const RichError activation = client.Activate(kOther, kFirstGeneration, &activated);
  ASSERT_TRUE(activation.ok()) << activation;
  EXPECT_EQ(activated.previous(), kFirstGeneration);
  EXPECT_EQ(activated.generation().state(), v1::GENERATION_STATE_ACTIVE);
  traffic.AwaitMore(kCalls);
  ASSERT_TRUE(client.Rollback(kOther).ok());
  traffic.AwaitMore(kCalls);
  ASSERT_TRUE(client.Rollback().ok());
  traffic.AwaitMore(kCalls);
  traffic.Stop();

  EXPECT_THAT(traffic.faults(), IsEmpty());
  EXPECT_THAT(traffic.generations(), IsSupersetOf({std::string(kFirstGeneration), std::string(kOther)}));
  EXPECT_EQ(client.List().active(), kOther);
  EXPECT_EQ(client.List().previous(), kFirstGeneration);
  for (const char* generation : {kFirstGeneration, kOther}) {
    ExpectLedgerHolds(server->channel(), world_->oracle(), ledger, generation);
    ExpectLedgerHolds(server->channel(), world_->oracle(), world_->ledger(), generation);
  }
  server->process().Signal(SIGTERM);
  EXPECT_EQ(server->process().Wait(), 0);
}

TEST_F(GenerationsTest, OfTwoActivationsAtOnceOneIsAborted) {
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  const GenerationClient client(server->channel());
  ASSERT_EQ(client.Create(kOtherModel), kOther);
  ASSERT_EQ(client.WatchUntilAtRest(kOther).state(), v1::GENERATION_STATE_READY);
  std::string active = kFirstGeneration;
  std::string next = kOther;
  for (int round = 0; round < 6; ++round) {
    const auto activate = [&] { return client.Activate(next, active); };
    std::vector<std::future<RichError>> answers;
    for (int i = 0; i < 2; ++i) {
      answers.push_back(std::async(std::launch::async, activate));
    }
    int winners = 0;
    for (auto& answer : answers) {
      const RichError error = answer.get();
      winners += error.ok() ? 1 : 0;
      EXPECT_TRUE(error.ok() || (error.code == grpc::StatusCode::ABORTED && error.reason == "ACTIVE_CONFLICT")) << error;
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(client.List().active(), next);
    std::swap(active, next);
  }
}

TEST_F(GenerationsTest, SigtermDuringABuildEndsWithinTheGraceAndTheBuildGoesOn) {
  copy_.Configure("drain_seconds: 12");
  Ledger ledger;
  {
    const std::unique_ptr<ServerProcess> server = copy_.Start();
    ASSERT_TRUE(WriteItems(server->channel(), world_->oracle(), "more", 300, ledger).ok());
    ASSERT_EQ(GenerationClient(server->channel()).Create(kOtherModel), kOther);
    // A builder that does not react is the worst case.
    copy_.SuspendBuilder(kOther);
    const absl::Time start = absl::Now();
    server->process().Signal(SIGTERM);
    EXPECT_EQ(server->process().Wait(), 0);
    EXPECT_LT(absl::Now() - start, absl::Seconds(12));
    EXPECT_THAT(copy_.Builders(), IsEmpty());
  }
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  const GenerationClient client(server->channel());
  EXPECT_EQ(client.List().active(), kFirstGeneration);
  const v1::Generation built = client.WatchUntilAtRest(kOther);
  EXPECT_EQ(built.state(), v1::GENERATION_STATE_READY) << built.state_reason();
  ExpectLedgerHolds(server->channel(), world_->oracle(), ledger, kOther);
}

TEST_F(GenerationsTest, PoliciesActivateWhatIsReadyOrSayWhyNot) {
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  const GenerationClient client(server->channel());
  // The labels were chosen so that patterns/1 finds all of them.
  ASSERT_EQ(client.Create(kOtherModel, v1::ACTIVATION_POLICY_IF_BETTER), kOther);
  const v1::Generation worse = client.WatchUntilAtRest(kOther);
  EXPECT_EQ(worse.state(), v1::GENERATION_STATE_READY) << worse.state_reason();
  EXPECT_THAT(worse.state_reason(), HasSubstr("not activated"));
  EXPECT_EQ(worse.evaluation().active_label_recall(), 1);
  EXPECT_LT(worse.evaluation().label_recall(), 1);
  EXPECT_EQ(client.List().active(), kFirstGeneration);

  const std::string always = client.Create(kOtherModel, v1::ACTIVATION_POLICY_ALWAYS);
  EXPECT_EQ(client.WatchUntilAtRest(always).state(), v1::GENERATION_STATE_ACTIVE);
  EXPECT_EQ(client.List().active(), always);

  const std::string better = client.Create("patterns/1", v1::ACTIVATION_POLICY_IF_BETTER);
  const v1::Generation judged = client.WatchUntilAtRest(better);
  EXPECT_EQ(judged.state(), v1::GENERATION_STATE_ACTIVE) << judged.state_reason();
  EXPECT_EQ(client.List().active(), better);
}

TEST_F(GenerationsTest, TheClientBuildsComparesActivatesAndRollsBack) {
  const std::unique_ptr<ServerProcess> server = copy_.Start();
  const GenerationClient client(server->channel());
  std::string output;
  ASSERT_EQ(Client(*server, {"generations", "create", kOtherModel, "--watch"}, &output), 0);
  EXPECT_THAT(output, HasSubstr(absl::StrCat(kOther, " ready")));

  const std::string page = copy_.Join("compare.html");
  EXPECT_EQ(Client(*server, {"generations", "compare", kFirstGeneration, kOther, "--count=6", "--out=" + page}, &output), 0);
  EXPECT_THAT(output, HasSubstr("Mean overlap"));
  ASSERT_OK_AND_ASSIGN(const std::string html, ReadFile(page));
  EXPECT_THAT(html, HasSubstr(kFirstGeneration));
  EXPECT_THAT(html, HasSubstr(kOther));
  EXPECT_THAT(html, HasSubstr("data:image/png;base64,"));

  EXPECT_EQ(Client(*server, {"generations", "activate", kOther, absl::StrCat("--expected_active=", kFirstGeneration)}), 0);
  EXPECT_EQ(client.List().active(), kOther);
  EXPECT_NE(Client(*server, {"generations", "activate", kFirstGeneration, absl::StrCat("--expected_active=", kFirstGeneration)}),
            0);
  EXPECT_EQ(Client(*server, {"generations", "rollback"}), 0);
  EXPECT_EQ(client.List().active(), kFirstGeneration);
  EXPECT_EQ(Client(*server, {"generations", "list"}, &output), 0);
  EXPECT_THAT(output, HasSubstr("standby"));
}

}  // namespace
}  // namespace semblance::testing
