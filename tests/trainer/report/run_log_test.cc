#include "trainer/report/run_log.h"

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

LogRecord RecordOf(int64_t step, double recall) {
  LogRecord record;
  record.step = step;
  record.epoch = step / 10;
  record.seconds = static_cast<double>(step);
  record.values = {{"loss/train", 1.0 / static_cast<double>(step)}, {"recall/at_1", recall}};
  return record;
}

std::vector<std::string> NamesOf(const std::map<std::string, std::string>& documents) {
  std::vector<std::string> names;
  for (const auto& [name, content] : documents) {
    names.push_back(name);
  }
  return names;
}

class RunLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<RunLog> Open(int64_t last_step) const { return RunLog::Open(dir_.Join("run"), last_step).value(); }

  const testing::TempDir dir_;
};

TEST_F(RunLogTest, BecomesTheDocumentsOfTheBundle) {
  const std::unique_ptr<RunLog> log = Open(0);
  ASSERT_OK(log->Append(RecordOf(10, 0.5)));
  ASSERT_OK(log->Append(RecordOf(20, 0.9)));
  ASSERT_OK(log->Append(RecordOf(30, 0.7)));
  RunReport report;
  report.model_name = "gloves";

  ASSERT_OK_AND_ASSIGN(const auto documents, log->Documents(report));

  EXPECT_THAT(NamesOf(documents),
              ElementsAre("events.out.tfevents.semblance", "learning_curve.png", "log.jsonl", "report.json", "report.md"));
  EXPECT_EQ(documents.at("log.jsonl"), ReadFile(dir_.Join("run/log.jsonl")).value());
  EXPECT_THAT(documents.at("learning_curve.png"), HasSubstr("PNG"));
  EXPECT_THAT(documents.at("report.md"), HasSubstr("![Learning curve](learning_curve.png)"));
  const auto json = nlohmann::json::parse(documents.at("report.json"));
  EXPECT_EQ(json["model_name"], "gloves");
  EXPECT_EQ(json["best"]["step"], 20);
  EXPECT_EQ(json["best"]["epoch"], 2);
  EXPECT_EQ(json["best"]["recall_at_1"], 0.9);
}

TEST_F(RunLogTest, FindsTheBestTripletAccuracyWhereThereIsNoRecall) {
  const std::unique_ptr<RunLog> log = Open(0);
  LogRecord record = RecordOf(10, 0);
  record.values = {{"triplets/accuracy", 0.75}};
  ASSERT_OK(log->Append(record));
  RunReport report;
  report.train.triplets = 5;

  ASSERT_OK_AND_ASSIGN(const auto documents, log->Documents(report));

  EXPECT_EQ(nlohmann::json::parse(documents.at("report.json"))["best"]["triplet_accuracy"], 0.75);
}

TEST_F(RunLogTest, HasNoCurveAndNoBestWithoutARecord) {
  ASSERT_OK_AND_ASSIGN(const auto documents, Open(0)->Documents({}));
  EXPECT_THAT(NamesOf(documents), ElementsAre("events.out.tfevents.semblance", "log.jsonl", "report.json", "report.md"));
  EXPECT_FALSE(nlohmann::json::parse(documents.at("report.json")).contains("best"));
}

TEST_F(RunLogTest, ForgetsTheStepsAfterTheCheckpointThatARunResumesFrom) {
  {
    const std::unique_ptr<RunLog> log = Open(0);
    ASSERT_OK(log->Append(RecordOf(10, 0.5)));
    ASSERT_OK(log->Append(RecordOf(20, 0.9)));
  }

  const std::unique_ptr<RunLog> resumed = Open(10);
  ASSERT_OK_AND_ASSIGN(const auto before, resumed->Documents({}));
  ASSERT_OK(resumed->Append(RecordOf(20, 0.9)));
  ASSERT_OK_AND_ASSIGN(const auto after, resumed->Documents({}));

  const std::string& lines = before.at("log.jsonl");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1);
  ASSERT_OK_AND_ASSIGN(const std::vector<LogRecord> records, ReadTrainingLog(dir_.Join("run/log.jsonl")));
  EXPECT_THAT(records, ElementsAre(RecordOf(10, 0.5), RecordOf(20, 0.9)));
  // Each record is two scalars in the events: those before the checkpoint are written again when the log is opened.
  EXPECT_GT(before.at("events.out.tfevents.semblance").size(), 40U);
  EXPECT_GT(after.at("events.out.tfevents.semblance").size(), before.at("events.out.tfevents.semblance").size());
}

}  // namespace
}  // namespace semblance::trainer
