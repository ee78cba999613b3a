#include "trainer/report/training_log.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::trainer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StatusIs;
using testing::StatusMessage;
using testing::TempDir;

class TrainingLogTest : public ::testing::Test {
 protected:
  void AppendAll(const std::vector<LogRecord>& records, int64_t last_step = std::numeric_limits<int64_t>::max()) {
    ASSERT_OK_AND_ASSIGN(const auto log, TrainingLog::Open(path_, last_step));
    for (const LogRecord& record : records) {
      EXPECT_OK(log->Append(record));
    }
  }

  std::string Text() const { return ReadFile(path_).value_or("unreadable"); }
  void Write(const std::string& text) const { ASSERT_OK(WriteFileAtomically(path_, text)); }

  const TempDir dir_;
  const std::string path_ = dir_.Join("log.jsonl");
  const LogRecord first_ = {0, 0, 0.5, {{"recall/at 1", 0.25}}};
  const LogRecord second_ = {100, 1, 2, {{"loss/train", 0.1}, {"recall/at 1", 1.0 / 3}}};
  const LogRecord third_ = {200, 2, 4, {{"loss/train", -1e-20}}};
};

TEST_F(TrainingLogTest, WritesALineForEachRecord) {
  AppendAll({first_, second_});

  EXPECT_EQ(Text(),
            "{\"step\":0,\"epoch\":0,\"seconds\":0.5,\"recall/at 1\":0.25}\n"
            "{\"step\":100,\"epoch\":1,\"seconds\":2.0,\"loss/train\":0.1,\"recall/at 1\":0.3333333333333333}\n");
}

TEST_F(TrainingLogTest, ReadsBackWhatWasWritten) {
  AppendAll({first_, second_});
  AppendAll({third_});

  ASSERT_OK_AND_ASSIGN(const std::vector<LogRecord> records, ReadTrainingLog(path_));

  EXPECT_THAT(records, ElementsAre(first_, second_, third_));
}

TEST_F(TrainingLogTest, ReadsValuesThatAreNotFiniteAsNan) {
  AppendAll({{1, 1, 1, {{"a", std::nan("")}, {"b", std::numeric_limits<double>::infinity()}, {"c", 2}}}});

  ASSERT_OK_AND_ASSIGN(const std::vector<LogRecord> records, ReadTrainingLog(path_));

  ASSERT_EQ(records.size(), 1U);
  ASSERT_EQ(records[0].values.size(), 3U);
  EXPECT_TRUE(std::isnan(records[0].values[0].value));
  EXPECT_TRUE(std::isnan(records[0].values[1].value));
  EXPECT_EQ(records[0].values[2].value, 2);
}

TEST_F(TrainingLogTest, OpenRemovesWhatComesAfterTheStep) {
  AppendAll({first_, second_, third_});

  AppendAll({}, 100);
  EXPECT_THAT(*ReadTrainingLog(path_), ElementsAre(first_, second_));

  AppendAll({third_}, 99);
  EXPECT_THAT(*ReadTrainingLog(path_), ElementsAre(first_, third_));
}

TEST_F(TrainingLogTest, DropsALineThatWasNotFinished) {
  AppendAll({first_, second_});
  const std::string whole = Text();
  const size_t first_line = whole.find('\n') + 1;

  for (size_t size = first_line; size < whole.size(); ++size) {
    Write(whole.substr(0, size));
    ASSERT_THAT(*ReadTrainingLog(path_), ElementsAre(first_)) << size;
  }
  AppendAll({third_});

  EXPECT_THAT(*ReadTrainingLog(path_), ElementsAre(first_, third_));
}

TEST_F(TrainingLogTest, NamesTheLineThatIsDamaged) {
  AppendAll({first_});
  const std::string line = Text();
  for (const std::string bad :
       {"", "{", "[]", "{\"step\":1}", "{\"step\":1.5,\"epoch\":1}", "{\"step\":1,\"epoch\":1,\"loss\":\"low\"}"}) {
    Write(absl::StrCat(line, bad, "\n", line));

    EXPECT_THAT(ReadTrainingLog(path_), AllOf(StatusIs(absl::StatusCode::kDataLoss), StatusMessage(HasSubstr("line 2")))) << bad;
    EXPECT_THAT(TrainingLog::Open(path_).status(), StatusIs(absl::StatusCode::kDataLoss)) << bad;
  }
}

TEST_F(TrainingLogTest, RefusesANameTwice) {
  ASSERT_OK_AND_ASSIGN(const auto log, TrainingLog::Open(path_));

  EXPECT_THAT(log->Append({1, 1, 1, {{"a", 1}, {"a", 2}}}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(log->Append({1, 1, 1, {{"step", 1}}}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Text(), "");
}

TEST_F(TrainingLogTest, IsNotFoundWhereThereIsNone) {
  EXPECT_THAT(ReadTrainingLog(path_), StatusIs(absl::StatusCode::kNotFound));
  AppendAll({}, 100);
  EXPECT_THAT(*ReadTrainingLog(path_), IsEmpty());
}

TEST(PanelsOfTest, GroupsTheValuesByTheirNames) {
  const std::vector<LogRecord> records = {{0, 0, 0, {{"recall/at 1", 0.5}}},
                                          {10, 1, 1, {{"loss", 2}, {"recall/at 1", 0.75}, {"recall/at 2", 1}}},
                                          {20, 2, 2, {{"loss", 1}}}};

  EXPECT_THAT(PanelsOf(records), ElementsAre(CurvePanel{"recall", "", {{"at 1", {{0, 0.5}, {10, 0.75}}}, {"at 2", {{10, 1}}}}},
                                             CurvePanel{"loss", "", {{"loss", {{10, 2}, {20, 1}}}}}));
}

}  // namespace
}  // namespace semblance::trainer
