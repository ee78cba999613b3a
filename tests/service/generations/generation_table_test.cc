#include "service/generations/generation_table.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using State = service::GenerationState;

class GenerationTableTest : public ::testing::Test {
 protected:
  void Insert(State state) {
    service::GenerationInfo info;
    info.manifest.set_id("gen-000001");
    info.state = state;
    info.state_time = clock_.Now();
    table_.Insert(info);
  }
  service::GenerationInfo Info() { return *table_.Find("gen-000001"); }

  FakeClock clock_;
  service::GenerationTable table_{[](service::GenerationInfo& info) { info.lag = 7; }, &clock_};
};

TEST_F(GenerationTableTest, ATransitionSetsStateReasonAndTimeAndDropsProgress) {
  Insert(State::kEmbedding);
  table_.SetProgress("gen-000001", 1, 2, "items");
  clock_.Advance(absl::Seconds(3));
  ASSERT_OK(table_.Transition("gen-000001", State::kIndexing, "the index is built"));
  EXPECT_EQ(Info().state, State::kIndexing);
  EXPECT_EQ(Info().reason, "the index is built");
  EXPECT_EQ(Info().state_time, clock_.Now());
  EXPECT_FALSE(Info().progress.has_value());
}

TEST_F(GenerationTableTest, ATransitionThatIsNotListedChangesAndTellsNothing) {
  Insert(State::kRetiring);
  int told = 0;
  const auto token = table_.AddObserver("gen-000001", [&](const auto&) { ++told; });
  ASSERT_OK(token);
  const absl::Status refused = table_.Transition("gen-000001", State::kFailed, "too late");
  EXPECT_THAT(refused, HasReason("GENERATION_NOT_READY"));
  EXPECT_THAT(refused, StatusMessage(HasSubstr("gen-000001 is retiring and cannot become failed")));
  table_.TransitionOrLog("gen-000001", State::kFailed, "too late");
  EXPECT_EQ(Info().state, State::kRetiring);
  EXPECT_EQ(told, 1);
  table_.RemoveObserver(*token);
}

TEST_F(GenerationTableTest, NamesAGenerationThatIsNotThere) {
  EXPECT_THAT(table_.Transition("gen-000009", State::kFailed, ""), HasReason("GENERATION_NOT_FOUND"));
  EXPECT_THAT(table_.Find("gen-000009"), HasField("generation"));
  EXPECT_THAT(table_.AddObserver("gen-000009", [](const auto&) {}), HasReason("GENERATION_NOT_FOUND"));
}

TEST_F(GenerationTableTest, ExplainsAGenerationOnlyInTheStateThatIsMeant) {
  Insert(State::kReady);
  table_.Explain("gen-000001", State::kReady, "not activated");
  EXPECT_EQ(Info().reason, "not activated");
  ASSERT_OK(table_.Transition("gen-000001", State::kFailed, "a disk failed"));
  table_.Explain("gen-000001", State::kReady, "not activated");
  EXPECT_EQ(Info().reason, "a disk failed");
}

TEST_F(GenerationTableTest, EstimatesTheTimeLeftByTheRateOfTheState) {
  Insert(State::kEmbedding);
  table_.SetProgress("gen-000001", 0, 100, "items");
  EXPECT_FALSE(Info().progress->time_left.has_value());
  clock_.Advance(absl::Seconds(10));
  table_.SetProgress("gen-000001", 20, 100, "items");
  EXPECT_EQ(Info().progress->time_left, absl::Seconds(40));
  EXPECT_EQ(Info().progress->unit, "items");
}

TEST_F(GenerationTableTest, MeasuresWhenItIsReadAndTellsWhenItIsTouched) {
  Insert(State::kReady);
  std::vector<int64_t> lags;
  const auto token = table_.AddObserver("gen-000001", [&](const auto& info) { lags.push_back(info->lag); });
  ASSERT_OK(token);
  table_.Touch("gen-000001");
  service::GenerationEvaluation evaluation;
  evaluation.index_recall = 0.5;
  table_.SetEvaluation("gen-000001", evaluation);
  table_.RemoveObserver(*token);
  EXPECT_THAT(lags, ElementsAre(7, 7, 7));
  EXPECT_EQ(table_.List()[0].evaluation->index_recall, 0.5);
}

}  // namespace
}  // namespace semblance::testing
