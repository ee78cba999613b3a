#include "cli/text/generation_text.h"

#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/generation_messages.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::MakeGeneration;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Print(const v1::Generation& generation) {
  std::ostringstream out;
  PrintGeneration(generation, out);
  return out.str();
}

TEST(GenerationTextTest, StatesAreInLowerCase) {
  EXPECT_EQ(StateName(v1::GENERATION_STATE_CATCHING_UP), "catching_up");
  // A newer server may have states that this client does not know.
  EXPECT_EQ(StateName(static_cast<v1::GenerationState>(99)), "state 99");
}

TEST(GenerationTextTest, AModelWithoutAVersionIsItsName) {
  v1::Generation generation = MakeGeneration("gen-000003", v1::GENERATION_STATE_READY);
  EXPECT_EQ(ModelName(generation), "shoes/3");
  generation.clear_model_version();
  EXPECT_EQ(ModelName(generation), "shoes");
}

TEST(GenerationTextTest, ProgressIsShownAsAShareAndInFull) {
  v1::Generation generation = MakeGeneration("gen-000003", v1::GENERATION_STATE_EMBEDDING);
  EXPECT_THAT(Print(generation), Not(HasSubstr("progress")));
  generation.mutable_progress()->set_done(5);
  generation.mutable_progress()->set_unit("items");
  EXPECT_THAT(Print(generation), HasSubstr("embedding\n"));
  EXPECT_THAT(Print(generation), HasSubstr("5 items\n"));
  generation.mutable_progress()->set_total(40);
  generation.mutable_progress()->mutable_time_left()->set_seconds(65);
  EXPECT_THAT(Print(generation), HasSubstr("embedding 12%\n"));
  EXPECT_THAT(Print(generation), HasSubstr("5 of 40 items, 1m 05s left\n"));
}

TEST(GenerationTextTest, GatesThatAreNotAskedForAreNotShown) {
  v1::Generation generation = MakeGeneration("gen-000003", v1::GENERATION_STATE_READY);
  EXPECT_THAT(Print(generation), HasSubstr("must hold        \n"));
  generation.mutable_gates()->set_sample_size(500);
  EXPECT_THAT(Print(generation), HasSubstr("must hold        samples of 500\n"));
  generation.mutable_gates()->set_min_index_recall(0.95);
  EXPECT_THAT(Print(generation), HasSubstr("must hold        index recall at least 0.95, samples of 500\n"));
}

TEST(GenerationTextTest, TrafficHasAnOverlapOnceSomethingWasCompared) {
  v1::Generation generation = MakeGeneration("gen-000003", v1::GENERATION_STATE_READY);
  EXPECT_THAT(Print(generation), Not(HasSubstr("traffic")));
  v1::GenerationTraffic& traffic = *generation.mutable_traffic();
  traffic.set_shadow_share(0.5);
  EXPECT_THAT(Print(generation), HasSubstr("canary 0 (0 answered), shadow 0.5 (0 compared, 0 left out)\n"));
  traffic.set_shadow_count(8);
  traffic.set_shadow_overlap(0.75);
  EXPECT_THAT(Print(generation), HasSubstr("shadow 0.5 (8 compared, 0 left out), overlap 0.7500\n"));
}

TEST(GenerationTextTest, AnEvaluationNamesEveryGateThatFailed) {
  v1::GenerationEvaluation evaluation;
  evaluation.set_index_recall(0.5);
  std::ostringstream passed;
  PrintEvaluation(evaluation, passed);
  EXPECT_THAT(passed.str(), HasSubstr("gates            passed\n"));
  EXPECT_THAT(passed.str(), Not(HasSubstr("label recall")));
  evaluation.add_failures("one");
  evaluation.add_failures("two");
  std::ostringstream failed;
  PrintEvaluation(evaluation, failed);
  EXPECT_THAT(failed.str(), HasSubstr("gates            failed\n                 one\n                 two\n"));
}

TEST(GenerationTextTest, ARollbackIsNamedWhereThereIsOne) {
  v1::ListGenerationsResponse response;
  *response.add_generations() = MakeGeneration("gen-000001", v1::GENERATION_STATE_ACTIVE);
  std::ostringstream first;
  PrintGenerations(response, first);
  EXPECT_THAT(first.str(), Not(HasSubstr("rollback")));
  response.set_previous("gen-000002");
  std::ostringstream second;
  PrintGenerations(response, second);
  EXPECT_THAT(second.str(), HasSubstr("\nA rollback would activate gen-000002\n"));
}

}  // namespace
}  // namespace semblance::cli
