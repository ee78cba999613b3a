#include "catalog/change_writer.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catalog/change_reader.h"
#include "common/digest.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ChangeWriterTest : public ::testing::Test {
 protected:
  void SetUp() override { writer_ = OpenWriter(); }

  std::unique_ptr<ChangeWriter> OpenWriter() {
    auto writer = ChangeWriter::Open(path_);
    EXPECT_OK(writer);
    return *std::move(writer);
  }

  static PreparedItem Item(const std::string& id, const std::string& image) {
    return {{.id = id, .image = image, .label = std::nullopt, .attributes = {}}, "{}", Sha256Hex(image)};
  }

  WriteResult Upsert(std::vector<PreparedItem> items) {
    auto result = writer_->Upsert(items);
    EXPECT_OK(result);
    return *std::move(result);
  }

  WriteResult Delete(std::vector<std::string> ids) {
    auto result = writer_->Delete(ids);
    EXPECT_OK(result);
    return *std::move(result);
  }

  // Returns the log as another connection sees it, with entries like "+id@sequence" or "-id@sequence".
  std::vector<std::string> Committed() {
    auto reader = ChangeReader::Open(path_);
    EXPECT_OK(reader);
    std::vector<std::string> log;
    const std::vector<Change> changes = (*reader)->ReadChanges(0, 100).value();
    for (const Change& change : changes) {
      log.push_back((change.deleted ? "-" : "+") + change.item.id + "@" + std::to_string(change.sequence));
    }
    return log;
  }

  const testing::TempDir dir_;
  const std::string path_ = dir_.Join("catalog.db");
  std::unique_ptr<ChangeWriter> writer_;
};

TEST_F(ChangeWriterTest, ShowsOthersNothingBeforeCommit) {
  ASSERT_OK(writer_->Begin());
  Upsert({Item("a", "1")});
  Upsert({Item("b", "2")});
  EXPECT_THAT(Committed(), IsEmpty());
  ASSERT_OK(writer_->Commit());
  EXPECT_THAT(Committed(), ElementsAre("+a@1", "+b@2"));
}

TEST_F(ChangeWriterTest, LaterWritesOfATransactionSeeEarlierOnes) {
  ASSERT_OK(writer_->Begin());
  Upsert({Item("a", "1")});
  const WriteResult again = Upsert({Item("a", "2")});
  const WriteResult deleted = Delete({"a"});
  EXPECT_EQ(again.changes[0].replaced_sequence, 1U);
  EXPECT_EQ(deleted.changes[0].replaced_sequence, 2U);
  EXPECT_THAT(Delete({"a"}).missing_ids, ElementsAre("a"));
  EXPECT_EQ(writer_->item_count(), 0);
  EXPECT_EQ(writer_->last_sequence(), 3U);
  ASSERT_OK(writer_->Commit());
  EXPECT_THAT(Committed(), ElementsAre("-a@3"));
}

TEST_F(ChangeWriterTest, RollbackUndoesEverythingSinceBegin) {
  ASSERT_OK(writer_->Begin());
  Upsert({Item("kept", "1")});
  ASSERT_OK(writer_->Commit());
  ASSERT_OK(writer_->Begin());
  Upsert({Item("lost", "2"), Item("kept", "3")});
  Delete({"kept"});
  writer_->Rollback();
  EXPECT_EQ(writer_->item_count(), 1);
  EXPECT_EQ(writer_->last_sequence(), 1U);
  EXPECT_THAT(Committed(), ElementsAre("+kept@1"));
  ASSERT_OK(writer_->Begin());
  EXPECT_EQ(Upsert({Item("next", "4")}).last_sequence, 2U) << "a sequence that nobody saw is used again";
  ASSERT_OK(writer_->Commit());
}

TEST_F(ChangeWriterTest, RollbackWithoutATransactionDoesNothing) {
  writer_->Rollback();
  ASSERT_OK(writer_->Begin());
  Upsert({Item("a", "1")});
  EXPECT_OK(writer_->Commit());
}

TEST_F(ChangeWriterTest, WritesAgainAfterAFailedWriteThatWasRolledBack) {
  auto other = SqliteDatabase::Open(path_, SqliteDatabase::Mode::kReadWriteCreate, /*busy_timeout_ms=*/0);
  ASSERT_OK(other);
  ASSERT_OK(other->Run("CREATE TRIGGER refuse BEFORE INSERT ON images BEGIN SELECT raise(FAIL, 'refused'); END"));
  ASSERT_OK(writer_->Begin());
  std::vector<PreparedItem> items = {Item("a", "1")};
  EXPECT_THAT(writer_->Upsert(items), StatusIs(absl::StatusCode::kDataLoss));
  writer_->Rollback();
  EXPECT_EQ(writer_->item_count(), 0);
  EXPECT_EQ(writer_->last_sequence(), 0U);
  ASSERT_OK(other->Run("DROP TRIGGER refuse"));
  ASSERT_OK(writer_->Begin());
  Upsert({Item("b", "2")});
  ASSERT_OK(writer_->Commit());
  EXPECT_THAT(Committed(), ElementsAre("+b@1"));
}

TEST_F(ChangeWriterTest, ContinuesTheCountsOfTheFile) {
  ASSERT_OK(writer_->Begin());
  Upsert({Item("a", "1"), Item("b", "2"), Item("c", "3")});
  Delete({"c"});
  ASSERT_OK(writer_->Commit());
  writer_ = OpenWriter();
  EXPECT_EQ(writer_->item_count(), 2);
  EXPECT_EQ(writer_->last_sequence(), 4U);
}

TEST_F(ChangeWriterTest, ForgetsATransactionThatNeverCommitted) {
  ASSERT_OK(writer_->Begin());
  Upsert({Item("a", "1")});
  writer_ = OpenWriter();  // The old writer closes without a commit, after the new one has opened.
  EXPECT_EQ(writer_->item_count(), 0);
  EXPECT_EQ(writer_->last_sequence(), 0U);
}

TEST_F(ChangeWriterTest, GivesAllItemsOfAWriteOneTimeInWholeMicroseconds) {
  ASSERT_OK(writer_->Begin());
  const WriteResult result = Upsert({Item("a", "1"), Item("b", "2")});
  ASSERT_THAT(result.changes, SizeIs(2));
  EXPECT_EQ(result.changes[0].item.update_time, result.changes[1].item.update_time);
  const absl::Time time = result.changes[0].item.update_time;
  EXPECT_EQ(time, absl::FromUnixMicros(absl::ToUnixMicros(time)));
  ASSERT_OK(writer_->Commit());
}

}  // namespace
}  // namespace semblance::catalog
