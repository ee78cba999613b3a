#include <nlohmann/json.hpp>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"
#include "tests/cli/generation_messages.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::MakeGeneration;
using ::semblance::testing::RichStatus;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GenerationsTest : public CommandFixture {
 protected:
  static v1::GenerationEvaluation SomeEvaluation() {
    v1::GenerationEvaluation evaluation;
    evaluation.set_item_count(100);
    evaluation.set_expected_item_count(100);
    evaluation.set_sequence(120);
    evaluation.set_index_recall(0.975);
    evaluation.set_label_recall(0.5);
    evaluation.set_active_label_recall(0.25);
    evaluation.mutable_warm_latency()->set_nanos(3'200'000);
    evaluation.mutable_evaluate_time()->set_seconds(1'700'000'000);
    return evaluation;
  }
};

TEST_F(GenerationsTest, AreListed) {
  v1::ListGenerationsResponse response;
  v1::Generation& building = *response.add_generations();
  building = MakeGeneration("gen-000003", v1::GENERATION_STATE_EMBEDDING);
  building.mutable_progress()->set_done(45);
  building.mutable_progress()->set_total(100);
  v1::Generation& active = *response.add_generations();
  active = MakeGeneration("gen-000002", v1::GENERATION_STATE_ACTIVE);
  active.set_item_count(100);
  active.set_memory_bytes(3 << 19);
  *active.mutable_evaluation() = SomeEvaluation();
  response.set_active("gen-000002");
  response.set_previous("gen-000001");
  server_.generations.list.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "list"}), kExitDone);
  EXPECT_EQ(out_,
            "generation  state          model    items  lag  memory   index recall  label recall  since\n"
            "gen-000003  embedding 45%  shoes/3      0    0  0 B      -             -             2023-11-14T22:13:20+00:00\n"
            "gen-000002  active         shoes/2    100    0  1.5 MiB  0.9750        0.5000        2023-11-14T22:13:20+00:00\n"
            "\nA rollback would activate gen-000001\n");
  EXPECT_EQ(Run({"generations", "list", "--json"}), kExitDone);
  EXPECT_EQ(nlohmann::json::parse(out_)["generations"][1]["state"], "GENERATION_STATE_ACTIVE");
}

TEST_F(GenerationsTest, OneIsShownWithAllThatIsKnown) {
  v1::GetGenerationResponse response;
  v1::Generation& generation = *response.mutable_generation();
  generation = MakeGeneration("gen-000002", v1::GENERATION_STATE_READY, "the gates hold");
  generation.mutable_gates()->set_min_index_recall(0.95);
  generation.mutable_gates()->set_label_recall_tolerance(0.01);
  generation.set_activation_policy(v1::ACTIVATION_POLICY_IF_BETTER);
  generation.set_item_count(100);
  generation.set_applied_sequence(120);
  generation.mutable_traffic()->set_canary_share(0.05);
  generation.mutable_traffic()->set_shadow_count(10);
  generation.mutable_traffic()->set_shadow_overlap(0.625);
  *generation.mutable_evaluation() = SomeEvaluation();
  server_.generations.get.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "show", "gen-000002"}), kExitDone);
  EXPECT_EQ(server_.generations.get.last_request.generation(), "gen-000002");
  for (const char* text : {"state            ready\n", "because          the gates hold\n", "model            shoes/2\n",
                           "index recall at least 0.95, label recall at most 0.01 below the active one's", "if_better",
                           "100 at sequence 120, 0 writes behind", "canary 0.05 (0 answered), shadow 0 (10 compared, 0 left out)",
                           "overlap 0.6250", "0.9750 of the exact neighbors", "0.5000 (active: 0.2500)", "3.2 ms", "passed"}) {
    EXPECT_THAT(out_, HasSubstr(text));
  }
}

TEST_F(GenerationsTest, ProgressHasATimeEstimate) {
  v1::GetGenerationResponse response;
  *response.mutable_generation() = MakeGeneration("gen-000002", v1::GENERATION_STATE_CATCHING_UP);
  v1::GenerationProgress& progress = *response.mutable_generation()->mutable_progress();
  progress.set_done(1);
  progress.set_total(4);
  progress.set_unit("writes");
  progress.mutable_time_left()->set_seconds(65);
  server_.generations.get.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "show", "gen-000002"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("catching_up 25%"));
  EXPECT_THAT(out_, HasSubstr("1 of 4 writes, 1m 05s left"));
}

TEST_F(GenerationsTest, OneThatIsNotThereIsBadInput) {
  server_.generations.get.FailWith(RichStatus(grpc::StatusCode::NOT_FOUND, "no gen-000009", "GENERATION_NOT_FOUND"));
  EXPECT_EQ(Run({"generations", "show", "gen-000009"}), kExitBadInput);
  EXPECT_EQ(err_, "semblance: NOT_FOUND: no gen-000009 (reason GENERATION_NOT_FOUND)\n");
}

TEST_F(GenerationsTest, CreateSendsWhatIsAskedFor) {
  v1::CreateGenerationResponse response;
  *response.mutable_generation() = MakeGeneration("gen-000002", v1::GENERATION_STATE_CREATING);
  server_.generations.create.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "create", "shoes@candidate", "--index=HNSW32", "--min_recall=0.99", "--label_tolerance=0",
                 "--sample=500", "--activate=if_better", "--request_id=nightly"}),
            kExitDone);
  const v1::CreateGenerationRequest& request = server_.generations.create.last_request;
  EXPECT_EQ(request.model(), "shoes@candidate");
  EXPECT_EQ(request.index_factory(), "HNSW32");
  EXPECT_DOUBLE_EQ(request.gates().min_index_recall(), 0.99);
  EXPECT_TRUE(request.gates().has_label_recall_tolerance());
  EXPECT_EQ(request.gates().sample_size(), 500);
  EXPECT_EQ(request.activation_policy(), v1::ACTIVATION_POLICY_IF_BETTER);
  EXPECT_EQ(request.request_id(), "nightly");
  EXPECT_EQ(out_, "gen-000002 of shoes/2 is being built; follow it with semblance generations watch gen-000002\n");
}

TEST_F(GenerationsTest, CreateLeavesUnsetWhatIsNotAskedFor) {
  EXPECT_EQ(Run({"generations", "create", "shoes", "--json"}), kExitDone);
  const v1::CreateGenerationRequest& request = server_.generations.create.last_request;
  EXPECT_FALSE(request.gates().has_min_index_recall());
  EXPECT_FALSE(request.gates().has_label_recall_tolerance());
  EXPECT_EQ(request.gates().sample_size(), 0);
  EXPECT_EQ(request.activation_policy(), v1::ACTIVATION_POLICY_MANUAL);
  EXPECT_TRUE(nlohmann::json::parse(out_)["generation"].is_null());
}

TEST_F(GenerationsTest, OneThatCannotBeBuiltNowIsTransient) {
  server_.generations.create.FailWith(
      RichStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "gen-000002 is being built", "BUILD_RUNNING"));
  EXPECT_EQ(Run({"generations", "create", "shoes", "--watch"}), kExitTransient);
  EXPECT_THAT(err_, HasSubstr("BUILD_RUNNING"));
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(GenerationsTest, AnEvaluationThatFailsShowsInTheExitCode) {
  v1::EvaluateGenerationResponse response;
  *response.mutable_evaluation() = SomeEvaluation();
  server_.generations.evaluate.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "evaluate", "gen-000002"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("gates            passed\n"));
  response.mutable_evaluation()->add_failures("index recall 0.93 is below 0.95");
  server_.generations.evaluate.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "evaluate", "gen-000002"}), kExitBadInput);
  EXPECT_EQ(server_.generations.evaluate.last_request.generation(), "gen-000002");
  EXPECT_THAT(out_, HasSubstr("gates            failed\n"));
  EXPECT_THAT(out_, HasSubstr("index recall 0.93 is below 0.95"));
}

TEST_F(GenerationsTest, OneIsActivated) {
  v1::ActivateGenerationResponse response;
  *response.mutable_generation() = MakeGeneration("gen-000002", v1::GENERATION_STATE_ACTIVE);
  response.set_previous("gen-000001");
  response.mutable_write_pause()->set_nanos(3'200'000);
  server_.generations.activate.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "activate", "gen-000002", "--expected_active=gen-000001"}), kExitDone);
  EXPECT_EQ(server_.generations.activate.last_request.generation(), "gen-000002");
  EXPECT_EQ(server_.generations.activate.last_request.expected_active(), "gen-000001");
  EXPECT_FALSE(server_.generations.activate.last_request.validate_only());
  EXPECT_EQ(out_, "gen-000002 is active; before it: gen-000001; writes waited for 3.2 ms\n");
}

TEST_F(GenerationsTest, AnActivationCanBeTried) {
  EXPECT_EQ(Run({"generations", "activate", "gen-000002", "--validate_only"}), kExitDone);
  EXPECT_TRUE(server_.generations.activate.last_request.validate_only());
  EXPECT_EQ(out_, "gen-000002 could be activated; nothing was done\n");
}

TEST_F(GenerationsTest, AnActivationThatLosesIsTransient) {
  server_.generations.activate.FailWith(RichStatus(grpc::StatusCode::ABORTED, "gen-000003 is active", "ACTIVE_CONFLICT"));
  EXPECT_EQ(Run({"generations", "activate", "gen-000002"}), kExitTransient);
  EXPECT_THAT(err_, HasSubstr("ABORTED: gen-000003 is active (reason ACTIVE_CONFLICT)"));
}

TEST_F(GenerationsTest, ARollbackSaysWhatAnswersNow) {
  v1::RollbackGenerationResponse response;
  *response.mutable_generation() = MakeGeneration("gen-000001", v1::GENERATION_STATE_ACTIVE);
  response.set_previous("gen-000002");
  server_.generations.rollback.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "rollback", "--expected_active=gen-000002"}), kExitDone);
  EXPECT_EQ(server_.generations.rollback.last_request.expected_active(), "gen-000002");
  EXPECT_EQ(out_, "gen-000001 is active; before it: gen-000002; writes waited for 0.0 ms\n");
}

TEST_F(GenerationsTest, OneIsCancelled) {
  v1::CancelGenerationResponse response;
  *response.mutable_generation() = MakeGeneration("gen-000002", v1::GENERATION_STATE_CANCELLED);
  server_.generations.cancel.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "cancel", "gen-000002"}), kExitDone);
  EXPECT_EQ(server_.generations.cancel.last_request.generation(), "gen-000002");
  EXPECT_EQ(out_, "gen-000002 is cancelled\n");
}

TEST_F(GenerationsTest, OneIsDeleted) {
  EXPECT_EQ(Run({"generations", "delete", "gen-000001"}), kExitDone);
  EXPECT_EQ(server_.generations.delete_generation.last_request.generation(), "gen-000001");
  EXPECT_EQ(out_, "gen-000001 is being retired\n");
}

TEST_F(GenerationsTest, TrafficIsSet) {
  v1::SetGenerationTrafficResponse response;
  *response.mutable_generation() = MakeGeneration("gen-000002", v1::GENERATION_STATE_READY);
  response.mutable_generation()->mutable_traffic()->set_canary_share(0.05);
  response.mutable_generation()->mutable_traffic()->set_shadow_share(0.1);
  server_.generations.set_traffic.AnswerWith(response);
  EXPECT_EQ(Run({"generations", "traffic", "gen-000002", "--canary=0.05", "--shadow=0.1"}), kExitDone);
  EXPECT_DOUBLE_EQ(server_.generations.set_traffic.last_request.traffic().canary_share(), 0.05);
  EXPECT_DOUBLE_EQ(server_.generations.set_traffic.last_request.traffic().shadow_share(), 0.1);
  EXPECT_EQ(out_, "gen-000002: canary 0.05, shadow 0.1\n");
}

TEST_F(GenerationsTest, EveryCommandHasHelpWithExamples) {
  for (const std::string command :
       {"list", "show", "create", "watch", "evaluate", "activate", "rollback", "cancel", "delete", "traffic", "compare"}) {
    EXPECT_EQ(RunAlone({"generations", command, "--help"}), kExitDone);
    EXPECT_THAT(out_, HasSubstr("Usage: semblance generations " + command));
    EXPECT_THAT(out_, HasSubstr("Examples:\n  semblance generations " + command));
  }
}

TEST_F(GenerationsTest, WrongUsageIsToldFromOtherErrors) {
  for (const Arguments& args : {Arguments{"generations"},
                                {"generations", "lst"},
                                {"generations", "list", "x"},
                                {"generations", "show"},
                                {"generations", "create"},
                                {"generations", "create", "shoes", "--activate=maybe"},
                                {"generations", "create", "shoes", "--min_recall=high"},
                                {"generations", "create", "shoes", "--label_tolerance=x"},
                                {"generations", "watch"},
                                {"generations", "evaluate"},
                                {"generations", "activate"},
                                {"generations", "rollback", "gen-000001"},
                                {"generations", "cancel"},
                                {"generations", "delete"},
                                {"generations", "traffic", "gen-000002"},
                                {"generations", "traffic", "gen-000002", "--shadow=x"},
                                {"generations", "compare", "gen-000001"},
                                {"generations", "compare", "gen-000001", "gen-000002", "--top_k=0"}}) {
    EXPECT_EQ(Run(args), kExitUsage);
    EXPECT_NE(err_, "");
    EXPECT_THAT(out_, IsEmpty());
  }
}

}  // namespace
}  // namespace semblance::cli
