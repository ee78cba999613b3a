#include "catalog/schema.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::HasSubstr;

class SchemaTest : public ::testing::Test {
 protected:
  SqliteDatabase OpenForWriting() {
    auto database = OpenCatalogForWriting(path_);
    EXPECT_OK(database);
    return *std::move(database);
  }

  // Runs SQL on the file without any check.
  void RunRaw(const std::string& sql) {
    auto database = SqliteDatabase::Open(path_, SqliteDatabase::Mode::kReadWriteCreate, 0);
    ASSERT_OK(database);
    ASSERT_OK(database->Run(sql.c_str()));
  }

  const testing::TempDir dir_;
  const std::string path_ = dir_.Join("catalog.db");
};

TEST_F(SchemaTest, CreatesTheTablesOnceAndKeepsWhatIsThere) {
  ASSERT_OK(OpenForWriting().Run("INSERT INTO changes VALUES (7, 'a', 0, NULL, '{}', 0, '')"));
  SqliteDatabase again = OpenForWriting();
  EXPECT_EQ(again.QueryInt("SELECT max(sequence) FROM changes").value(), 7);
}

TEST_F(SchemaTest, FlushesTheLogAtEveryCommit) {
  SqliteDatabase database = OpenForWriting();
  EXPECT_EQ(database.QueryInt("PRAGMA synchronous").value(), 2) << "FULL";
  EXPECT_EQ(database.QueryInt("SELECT journal_mode = 'wal' FROM pragma_journal_mode").value(), 1);
}

TEST_F(SchemaTest, TrustsNoFunctionsOfTheFile) {
  EXPECT_EQ(OpenForWriting().QueryInt("PRAGMA trusted_schema").value(), 0);
  auto reader = OpenCatalogForReading(path_);
  ASSERT_OK(reader);
  EXPECT_EQ(reader->QueryInt("PRAGMA trusted_schema").value(), 0);
  EXPECT_EQ(reader->QueryInt("PRAGMA cell_size_check").value(), 1);
}

TEST_F(SchemaTest, AReaderCannotWriteAndCreatesNothing) {
  EXPECT_THAT(OpenCatalogForReading(path_), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(PathExists(path_));
  OpenForWriting();
  auto reader = OpenCatalogForReading(path_);
  ASSERT_OK(reader);
  EXPECT_THAT(reader->Run("DELETE FROM changes"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(SchemaTest, RefusesTheFileOfAnotherProgram) {
  RunRaw("CREATE TABLE theirs (x); PRAGMA application_id = 1");
  for (const auto& opened : {OpenCatalogForWriting(path_).status(), OpenCatalogForReading(path_).status()}) {
    EXPECT_THAT(opened, AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), StatusMessage(HasSubstr(path_))));
  }
}

TEST_F(SchemaTest, RefusesAnyOtherVersionAndNamesBoth) {
  OpenForWriting();
  for (const int version : {0, 2, 99}) {
    RunRaw(absl::StrCat("PRAGMA user_version = ", version));
    for (const auto& opened : {OpenCatalogForWriting(path_).status(), OpenCatalogForReading(path_).status()}) {
      EXPECT_THAT(opened, AllOf(StatusIs(absl::StatusCode::kFailedPrecondition),
                                StatusMessage(AllOf(HasSubstr(absl::StrCat("version ", version)), HasSubstr("version 1")))));
    }
  }
}

TEST_F(SchemaTest, FindsDamageInTheChangeLogWhenAWriterOpens) {
  OpenForWriting();
  // Stores text in a column of integers, which the table allows only while it is not STRICT.
  RunRaw("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = 'changes'");
  RunRaw("INSERT INTO changes VALUES (1, 'a', 0, NULL, '{}', 'soon', '')");
  RunRaw("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' STRICT' WHERE name = 'changes'");
  EXPECT_THAT(OpenCatalogForWriting(path_),
              AllOf(StatusIs(absl::StatusCode::kDataLoss), StatusMessage(HasSubstr("update_time_us"))));
}

}  // namespace
}  // namespace semblance::catalog
