#include "service/generations/generation_evaluation.h"

#include <set>
#include <stop_token>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/generations/generation_request.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GenerationEvaluationTest : public ::testing::Test, public EngineFixture {
 protected:
  // Makes items in pairs that show nearly the same picture. With `labels_right` the two items of a pair have the same label.
  void StartWithPairs(bool labels_right) {
    ASSERT_OK(Start("model"));
    std::vector<catalog::ItemWrite> items;
    for (uint32_t i = 0; i < 20; ++i) {
      items.push_back(ItemOf(absl::StrCat(i), i / 2));
      items.back().label = absl::StrCat(labels_right ? i / 2 : (i + 1) / 2 % 10);
    }
    ASSERT_OK(Upsert(std::move(items)));
  }

  absl::StatusOr<service::GenerationEvaluation> Measure(const v1::GenerationGates& gates = service::GatesOf({}),
                                                        const service::Generation* active = nullptr) {
    return service::Evaluate(*engine().status().generation, active, gates, trained_, stop_.get_token());
  }

  service::TrainedImages trained_;
  std::stop_source stop_;
};

TEST_F(GenerationEvaluationTest, AnExactIndexFindsAllAndRightLabelsAreAllRight) {
  StartWithPairs(true);
  const auto evaluation = Measure();
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->index_recall, 1);
  EXPECT_EQ(evaluation->label_recall, 1);
  EXPECT_FALSE(evaluation->active_label_recall.has_value());
  EXPECT_THAT(evaluation->failures, IsEmpty());
}

TEST_F(GenerationEvaluationTest, WrongLabelsAreAllWrong) {
  StartWithPairs(false);
  const auto evaluation = Measure();
  ASSERT_OK(evaluation);
  EXPECT_EQ(evaluation->label_recall, 0);
}

TEST_F(GenerationEvaluationTest, WithoutLabelsThatOccurTwiceThereIsNoLabelRecall) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1), ItemOf("b", 2)}));
  const auto evaluation = Measure();
  ASSERT_OK(evaluation);
  EXPECT_FALSE(evaluation->label_recall.has_value());
}

TEST_F(GenerationEvaluationTest, AnEmptyCatalogIsNoReasonToFail) {
  ASSERT_OK(Start("model"));
  const auto evaluation = Measure();
  ASSERT_OK(evaluation);
  EXPECT_THAT(evaluation->failures, IsEmpty());
}

TEST_F(GenerationEvaluationTest, ItemsThatTrainedAreNoQueries) {
  StartWithPairs(true);
  for (const auto& record : engine().status().generation->Records()) {
    if (record->id == "4" || record->id == "7") {
      trained_.push_back(record->image_key);
    }
  }
  std::sort(trained_.begin(), trained_.end());
  const auto evaluation = Measure();
  ASSERT_OK(evaluation);
  // Two items of a pair may show one picture.
  EXPECT_LE(evaluation->label_query_count, 18);
  EXPECT_GE(evaluation->label_query_count, 16);
}

TEST_F(GenerationEvaluationTest, BetterHasToBeShownByEnoughItems) {
  service::GenerationEvaluation evaluation;
  evaluation.label_recall = 0.9;
  evaluation.active_label_recall = 0.5;
  evaluation.label_query_count = 9;
  EXPECT_THAT(service::NotShownBetter(evaluation, 0, /*has_active=*/true).value_or(""), HasSubstr("9 items"));
  EXPECT_FALSE(service::NotShownBetter(evaluation, 0, /*has_active=*/false).has_value());
  evaluation.label_query_count = 10;
  EXPECT_FALSE(service::NotShownBetter(evaluation, 0, /*has_active=*/true).has_value());
  evaluation.label_recall = 0.4;
  EXPECT_TRUE(service::NotShownBetter(evaluation, 0, /*has_active=*/true).has_value());
}

TEST_F(GenerationEvaluationTest, TheToleranceIsAGateOnlyWhereItIsSet) {
  service::GenerationEvaluation evaluation;
  EXPECT_FALSE(service::WorseThanActive(evaluation, 0).has_value());
  evaluation.label_recall = 0.70;
  evaluation.active_label_recall = 0.75;
  EXPECT_THAT(service::WorseThanActive(evaluation, 0.01).value_or(""), HasSubstr("0.7000, the active generation's 0.7500"));
  EXPECT_FALSE(service::WorseThanActive(evaluation, 0.06).has_value());
}

TEST_F(GenerationEvaluationTest, WarmsUpEveryBatchSize) {
  ASSERT_OK(Start("model"));
  int64_t rounds = 0;
  ASSERT_OK(service::WarmUp(*engine().status().generation, stop_.get_token(), [&](int64_t done, int64_t) { rounds = done; }));
  std::set<size_t> sizes;
  for (const auto& call : embedder().calls()) {
    sizes.insert(call.size());
  }
  EXPECT_EQ(sizes, std::set<size_t>({1, 2, 4, 8, 16, 32, 64}));
  EXPECT_GE(rounds, 2);
}

TEST_F(GenerationEvaluationTest, StopsWhenItIsToldTo) {
  StartWithPairs(true);
  stop_.request_stop();
  EXPECT_EQ(Measure().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(service::WarmUp(*engine().status().generation, stop_.get_token(), [](int64_t, int64_t) {}).status().code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace semblance::testing
