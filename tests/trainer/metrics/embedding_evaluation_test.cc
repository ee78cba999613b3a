#include "trainer/metrics/embedding_evaluation.h"

#include <vector>

#include "tests/testing/status_matchers.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using testing::StatusIs;

// Two tight classes lie on opposite sides, so k-means finds them from any two rows.
const std::vector<float> kRows = {1, 0, 0.96F, 0.28F, -0.96F, 0.28F, -1, 0};
const std::vector<int64_t> kLabels = {3, 3, 5, 5};

TEST(EmbeddingEvaluationTest, MeasuresEverything) {
  EvaluationOptions options;
  options.retrieval.recall_at = {1, 2};

  ASSERT_OK_AND_ASSIGN(const Evaluation evaluation, EvaluateEmbeddings(kRows, 2, kLabels, options));

  EXPECT_EQ(evaluation.retrieval.queries, 4);
  EXPECT_THAT(NamedValuesOf(evaluation),
              ElementsAre(NamedValue{"recall/at_1", 1}, NamedValue{"recall/at_2", 1}, NamedValue{"metrics/r_precision", 1},
                          NamedValue{"metrics/map_at_r", 1}, NamedValue{"metrics/nmi", 1}));
}

TEST(EmbeddingEvaluationTest, MeasuresRecallAloneWhereThatIsAsked) {
  EvaluationOptions options;
  options.retrieval.recall_at = {1};
  options.retrieval.by_class_size = false;
  options.nmi = false;

  ASSERT_OK_AND_ASSIGN(const Evaluation evaluation, EvaluateEmbeddings(kRows, 2, kLabels, options));

  EXPECT_THAT(NamedValuesOf(evaluation), ElementsAre(NamedValue{"recall/at_1", 1}));
}

TEST(EmbeddingEvaluationTest, PassesErrorsOn) {
  EXPECT_THAT(EvaluateEmbeddings(kRows, 3, kLabels, EvaluationOptions()), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(EmbeddingEvaluationTest, TheBundleKeepsWhatWasMeasured) {
  Evaluation evaluation;
  evaluation.retrieval.queries = 5;
  evaluation.retrieval.left_out = 1;
  evaluation.retrieval.recall_at = {{1, 0.75}, {4, 1}};
  evaluation.retrieval.r_precision = 0.375;
  evaluation.nmi = 0.5;

  const storage::v1::EvaluationRecord record = ToEvaluationRecord(evaluation);

  EXPECT_EQ(record.queries(), 5);
  EXPECT_EQ(record.left_out(), 1);
  ASSERT_EQ(record.recall_size(), 2);
  EXPECT_EQ(record.recall(0).recall(), 0.75);
  EXPECT_EQ(record.recall(1).k(), 4);
  EXPECT_EQ(record.r_precision(), 0.375);
  EXPECT_FALSE(record.has_map_at_r());
  EXPECT_EQ(record.nmi(), 0.5);
}

TEST(EmbeddingEvaluationTest, OfTripletsIsTheirAccuracyAlone) {
  Evaluation evaluation;
  evaluation.triplets = 8;
  evaluation.triplet_accuracy = 0.625;

  EXPECT_THAT(NamedValuesOf(evaluation), ElementsAre(NamedValue{"triplets/accuracy", 0.625}));
  EXPECT_EQ(evaluation.quality(), 0.625);
  const Evaluation read = FromEvaluationRecord(ToEvaluationRecord(evaluation));
  EXPECT_EQ(read.triplets, 8);
  EXPECT_EQ(read.triplet_accuracy, 0.625);
}

}  // namespace
}  // namespace semblance::trainer
