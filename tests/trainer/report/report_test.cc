#include "trainer/report/report.h"

#include <nlohmann/json.hpp>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Evaluation EvaluationOf(double recall) {
  Evaluation evaluation;
  evaluation.retrieval.queries = 5;
  evaluation.retrieval.left_out = 1;
  evaluation.retrieval.recall_at = {{1, recall}, {4, 1}};
  evaluation.retrieval.precision_at_1 = recall;
  evaluation.retrieval.r_precision = recall / 2;
  evaluation.retrieval.map_at_r = recall / 4;
  evaluation.retrieval.classes = {{0, 3, 1, 0.75}, {2, 2, 0.5, 0.25}};
  evaluation.nmi = 0.5;
  return evaluation;
}

RunReport Report() {
  RunReport report;
  report.model_name = "small_birds";
  report.data_digest = "sha256:00";
  report.train = {20, 2, 0};
  report.test = {6, 3, 0};
  report.class_names = {"wren", "robin"};
  report.untrained = EvaluationOf(0.25);
  report.untrained->nmi.reset();
  report.trained = EvaluationOf(0.75);
  report.best = BestEvaluation{3, 30, 0.875};
  report.device = "cpu";
  report.epochs = 4;
  report.steps = 40;
  report.images = 80;
  report.train_seconds = 2;
  report.total_seconds = 65;
  report.curve_file = "learning_curve.png";
  report.config = "epochs: 4\n";
  return report;
}

TEST(ReportTest, IsReadable) {
  EXPECT_EQ(ReportMarkdown(Report()), R"(# small\_birds

## Metrics

| | untrained | trained |
|---|---|---|
| recall@1 | 0.2500 | 0.7500 |
| recall@4 | 1.0000 | 1.0000 |
| precision@1 | 0.2500 | 0.7500 |
| R-precision | 0.1250 | 0.3750 |
| MAP@R | 0.0625 | 0.1875 |
| NMI | - | 0.5000 |

5 queries, each to all other test examples; 1 left out because their class has no other.

Best recall@1: 0.8750 after epoch 3 (step 30).

![Learning curve](learning_curve.png)

## Worst classes

2 of 2

| class | examples | recall@1 | R-precision |
|---|---|---|---|
| class 2 | 2 | 0.5000 | 0.2500 |
| wren | 3 | 1.0000 | 0.7500 |

## Data

| | examples | classes |
|---|---|---|
| training | 20 | 2 |
| test | 6 | 3 |

Digest of the training data: `sha256:00`

## Time

4 epochs, 40 steps on cpu: 2.0s of training, 1m 05s in all; 40 images/s.

## Configuration

```textproto
epochs: 4
```
)");
}

TEST(ReportTest, IsReadByPrograms) {
  EXPECT_EQ(nlohmann::ordered_json::parse(ReportJson(Report())).dump(),
            R"({"model_name":"small_birds",)"
            R"("untrained":{"queries":5,"left_out":1,"recall_at":{"1":0.25,"4":1.0},"precision_at_1":0.25,"r_precision":0.125,)"
            R"("map_at_r":0.0625},)"
            R"("trained":{"queries":5,"left_out":1,"recall_at":{"1":0.75,"4":1.0},"precision_at_1":0.75,"r_precision":0.375,)"
            R"("map_at_r":0.1875,"nmi":0.5},)"
            R"("best":{"epoch":3,"step":30,"recall_at_1":0.875},)"
            R"("classes":[{"label":0,"name":"wren","examples":3,"recall_at_1":1.0,"r_precision":0.75},)"
            R"({"label":2,"name":"class 2","examples":2,"recall_at_1":0.5,"r_precision":0.25}],)"
            R"("data":{"digest":"sha256:00","train":{"examples":20,"classes":2},"test":{"examples":6,"classes":3}},)"
            R"("time":{"device":"cpu","epochs":4,"steps":40,"images":80,"train_seconds":2.0,"total_seconds":65.0,)"
            R"("images_per_second":40.0},)"
            R"("curve_file":"learning_curve.png","config":"epochs: 4\n"})");
}

TEST(ReportTest, HasTheAccuracyOfTripletsInPlaceOfRecall) {
  RunReport report = Report();
  report.train = {20, 0, 40};
  report.test = {6, 0, 10};
  report.class_names.clear();
  report.untrained = report.trained = Evaluation();
  report.untrained->triplets = report.trained->triplets = 10;
  report.untrained->triplet_accuracy = 0.5;
  report.trained->triplet_accuracy = 0.9;

  const std::string text = ReportMarkdown(report);
  EXPECT_THAT(text, AllOf(HasSubstr("| triplet accuracy | 0.5000 | 0.9000 |\n\nThe share of 10 test triplets"),
                          HasSubstr("Best triplet accuracy: 0.8750 after epoch 3"), HasSubstr("| | examples | triplets |"),
                          HasSubstr("| training | 20 | 40 |\n| test | 6 | 10 |")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("recall")), Not(HasSubstr("precision")), Not(HasSubstr("queries"))));
  const auto json = nlohmann::json::parse(ReportJson(report));
  EXPECT_EQ(json["trained"].dump(), R"({"triplet_accuracy":0.9,"triplets":10})");
  EXPECT_EQ(json["best"]["triplet_accuracy"], 0.875);
  EXPECT_EQ(json["data"]["test"].dump(), R"({"examples":6,"triplets":10})");
  EXPECT_FALSE(json.contains("classes"));
}

TEST(ReportTest, SaysSoWhereNothingWasMeasured) {
  RunReport report = Report();
  report.untrained.reset();
  report.trained.reset();
  report.best.reset();
  report.curve_file.clear();

  EXPECT_THAT(ReportMarkdown(report),
              AllOf(HasSubstr("There were no test examples."), Not(HasSubstr("Worst")), Not(HasSubstr("png"))));
  const auto json = nlohmann::json::parse(ReportJson(report));
  EXPECT_FALSE(json.contains("trained"));
  EXPECT_FALSE(json.contains("classes"));
}

TEST(ReportTest, NamesTheTenWorstClasses) {
  RunReport report = Report();
  report.trained->retrieval.classes.clear();
  for (int64_t label = 100; label < 130; ++label) {
    report.trained->retrieval.classes.push_back({label, 2, 1, label % 2 == 0 ? 0.5 : 0.25});
  }

  const std::string text = ReportMarkdown(report);

  EXPECT_THAT(text, AllOf(HasSubstr("10 of 30"), HasSubstr("| class 101 |"), HasSubstr("| class 119 |")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("| class 121 |")), Not(HasSubstr("| class 100 |"))));
}

TEST(ReportTest, JudgesClassesByRecallWhereRPrecisionWasNotMeasured) {
  RunReport report = Report();
  report.trained->retrieval.classes = {{0, 2, 1, std::nullopt}, {1, 2, 0, std::nullopt}};

  EXPECT_THAT(ReportMarkdown(report), HasSubstr("| robin | 2 | 0.0000 | - |\n| wren | 2 | 1.0000 | - |\n"));
}

TEST(ReportTest, NamesBreakNeitherTablesNorJson) {
  RunReport report = Report();
  report.class_names[0] = "a|b\n\xff`c`";
  report.config = "# ```\n";

  EXPECT_THAT(ReportMarkdown(report), AllOf(HasSubstr("| a\\|b \xff\\`c\\` |"), HasSubstr("````textproto\n# ```\n````\n")));
  EXPECT_FALSE(nlohmann::json::parse(ReportJson(report), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace semblance::trainer
