#include "catalog/sqlite.h"

#include <cstdint>
#include <string>
#include <thread>
#include <utility>

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

class SqliteTest : public ::testing::Test {
 protected:
  SqliteDatabase Open(int busy_timeout_ms = 0) {
    auto database = SqliteDatabase::Open(path_, SqliteDatabase::Mode::kReadWriteCreate, busy_timeout_ms);
    EXPECT_OK(database);
    return *std::move(database);
  }

  SqliteStatement Prepare(SqliteDatabase& database, const char* sql) {
    auto statement = database.Prepare(sql);
    EXPECT_OK(statement);
    return *std::move(statement);
  }

  const testing::TempDir dir_;
  const std::string path_ = dir_.Join("test.db");
};

TEST_F(SqliteTest, ReturnsWhatWasBound) {
  SqliteDatabase database = Open();
  ASSERT_OK(database.Run("CREATE TABLE t (i, t, b, n, e)"));
  SqliteStatement insert = Prepare(database, "INSERT INTO t VALUES (?, ?, ?, ?, ?)");
  const std::string bytes("a\0b", 3);
  insert.BindInt(1, INT64_MIN);
  insert.BindText(2, "text");
  insert.BindBlob(3, bytes);
  insert.BindNull(4);
  insert.BindText(5, {});  // Empty text, which is not NULL.
  EXPECT_FALSE(insert.Step().value());
  insert.Reset();
  SqliteStatement select = Prepare(database, "SELECT * FROM t");
  ASSERT_TRUE(select.Step().value());
  EXPECT_EQ(select.Int(0), INT64_MIN);
  EXPECT_EQ(select.Bytes(1), "text");
  EXPECT_EQ(select.Bytes(2), bytes);
  EXPECT_TRUE(select.IsNull(3));
  EXPECT_FALSE(select.IsNull(4));
  EXPECT_EQ(select.Bytes(4), "");
  EXPECT_FALSE(select.Step().value());
}

TEST_F(SqliteTest, AStatementRunsAgainAfterReset) {
  SqliteDatabase database = Open();
  SqliteStatement statement = Prepare(database, "SELECT ? + 1");
  for (const int64_t value : {1, 2, 3}) {
    const SqliteResetter resetter(&statement);
    statement.BindInt(1, value);
    ASSERT_TRUE(statement.Step().value());
    EXPECT_EQ(statement.Int(0), value + 1);
  }
  ASSERT_TRUE(statement.Step().value());
  EXPECT_TRUE(statement.IsNull(0)) << "Reset lets go of what was bound";
}

TEST_F(SqliteTest, StepReturnsAnErrorOfBinding) {
  SqliteDatabase database = Open();
  SqliteStatement statement = Prepare(database, "SELECT ?");
  statement.BindInt(2, 7);
  EXPECT_FALSE(statement.Step().ok());
  statement.Reset();
  EXPECT_OK(statement.Step());
}

TEST_F(SqliteTest, QueriesASingleInteger) {
  SqliteDatabase database = Open();
  EXPECT_EQ(database.QueryInt("SELECT 42").value(), 42);
  EXPECT_EQ(database.QueryInt("SELECT NULL").value(), 0);
  EXPECT_EQ(database.QueryInt("SELECT 1 WHERE 0").value(), 0);
}

TEST_F(SqliteTest, AMissingFileIsNotFoundUnlessItMayBeCreated) {
  EXPECT_THAT(SqliteDatabase::Open(path_, SqliteDatabase::Mode::kReadOnly, 0),
              AllOf(StatusIs(absl::StatusCode::kNotFound), StatusMessage(HasSubstr(path_))));
  EXPECT_FALSE(PathExists(path_));
  EXPECT_OK(Open().Run("CREATE TABLE t (i)"));
  EXPECT_OK(SqliteDatabase::Open(path_, SqliteDatabase::Mode::kReadOnly, 0));
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsDataLoss) {
  ASSERT_OK(WriteFileAtomically(path_, std::string(5000, 'x')));
  EXPECT_THAT(Open().QueryInt("PRAGMA page_count"), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SqliteTest, StatementsThatDoNotFitTheSchemaAreDataLoss) {
  SqliteDatabase database = Open();
  ASSERT_OK(database.Run("CREATE TABLE t (i INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)"));
  EXPECT_THAT(database.Prepare("SELECT * FROM missing"),
              AllOf(StatusIs(absl::StatusCode::kDataLoss), StatusMessage(HasSubstr("missing"))));
  EXPECT_THAT(database.Run("INSERT INTO t VALUES (1)"), StatusIs(absl::StatusCode::kDataLoss)) << "a key comes twice";
}

TEST_F(SqliteTest, AReaderMayNotWrite) {
  ASSERT_OK(Open().Run("CREATE TABLE t (i)"));
  auto reader = SqliteDatabase::Open(path_, SqliteDatabase::Mode::kReadOnly, 0);
  ASSERT_OK(reader);
  EXPECT_THAT(reader->Run("INSERT INTO t VALUES (1)"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(SqliteTest, ALockThatAnotherConnectionHoldsIsUnavailable) {
  SqliteDatabase first = Open();
  SqliteDatabase second = Open();
  ASSERT_OK(first.Run("CREATE TABLE t (i); BEGIN IMMEDIATE"));
  EXPECT_THAT(second.Run("BEGIN IMMEDIATE"), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK(first.Run("COMMIT"));
  EXPECT_OK(second.Run("BEGIN IMMEDIATE"));
}

TEST_F(SqliteTest, WaitsForALockUpToTheTimeout) {
  SqliteDatabase first = Open();
  SqliteDatabase second = Open(/*busy_timeout_ms=*/60'000);
  ASSERT_OK(first.Run("CREATE TABLE t (i); BEGIN IMMEDIATE"));
  std::thread waiter([&second] { EXPECT_OK(second.Run("BEGIN IMMEDIATE; COMMIT")); });
  EXPECT_OK(first.Run("COMMIT"));
  waiter.join();
}

TEST_F(SqliteTest, AFullDatabaseIsResourceExhausted) {
  SqliteDatabase database = Open();
  ASSERT_OK(database.Run("CREATE TABLE t (b); PRAGMA max_page_count = 3"));
  EXPECT_THAT(database.Run("INSERT INTO t VALUES (zeroblob(1000000))"), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace semblance::catalog
