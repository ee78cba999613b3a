#include "catalog/change_reader.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::CatalogFixture;
using ::semblance::testing::DeleteAndWait;
using ::semblance::testing::HasReason;
using ::semblance::testing::ItemWithImage;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::UpsertAndWait;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ChangeReaderTest : public CatalogFixture {
 protected:
  void SetUp() override {
    catalog_ = Open();
    ASSERT_OK(UpsertAndWait(*catalog_, {ItemWithImage("a", "1"), ItemWithImage("b", "2"), ItemWithImage("c", "3")}));
    ASSERT_OK(DeleteAndWait(*catalog_, {"b"}));
    auto reader = ChangeReader::Open(path());
    ASSERT_OK(reader);
    reader_ = *std::move(reader);
  }

  // Runs SQL on the file, to change it as damage would.
  void Damage(const char* sql) {
    auto database = SqliteDatabase::Open(path(), SqliteDatabase::Mode::kReadWriteCreate, /*busy_timeout_ms=*/10'000);
    ASSERT_OK(database);
    ASSERT_OK(database->Run(sql));
  }

  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<ChangeReader> reader_;
};

TEST_F(ChangeReaderTest, SeesEveryCommitThatCameBeforeAQuery) {
  EXPECT_EQ(reader_->ItemCount().value(), 2);
  EXPECT_EQ(reader_->LastSequence().value(), 4U);
  ASSERT_OK(UpsertAndWait(*catalog_, {ItemWithImage("d", "4")}));
  EXPECT_EQ(reader_->ItemCount().value(), 3);
  EXPECT_EQ(reader_->LastSequence().value(), 5U);
  EXPECT_EQ(reader_->Find("d")->sequence, 5U);
}

TEST_F(ChangeReaderTest, HoldsNoSnapshotBetweenQueries) {
  ASSERT_THAT(*reader_->ReadChanges(0, 1), SizeIs(1));  // The query ends before its last row.
  ASSERT_OK(DeleteAndWait(*catalog_, {"a"}));
  EXPECT_THAT(reader_->Find("a"), HasReason("ITEM_NOT_FOUND"));
  EXPECT_EQ(reader_->ReadChanges(0, 1)->front().item.id, "c");
}

TEST_F(ChangeReaderTest, SetsOnlyTheIdOfATombstone) {
  const std::vector<Change> changes = reader_->ReadChanges(3, 10).value();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_TRUE(changes[0].deleted);
  EXPECT_EQ(changes[0].sequence, 4U);
  EXPECT_EQ(changes[0].item.id, "b");
  EXPECT_EQ(changes[0].item.sequence, 0U);
  EXPECT_THAT(changes[0].item.image_sha256, IsEmpty());
}

TEST_F(ChangeReaderTest, TakesALimitBelowOneForNothing) {
  for (const int limit : {0, -1, std::numeric_limits<int>::min()}) {
    EXPECT_THAT(*reader_->ReadChanges(0, limit), IsEmpty()) << limit;
    EXPECT_THAT(*reader_->List("", limit), IsEmpty()) << limit;
  }
}

TEST_F(ChangeReaderTest, TakesSequencesThatNoIntegerOfTheFileHolds) {
  constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
  EXPECT_THAT(*reader_->ReadChanges(kLargest, 10), IsEmpty());
  EXPECT_THAT(reader_->ReadImage(kLargest), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ChangeReaderTest, AnImageWithAnotherDigestIsDataLoss) {
  Damage("UPDATE images SET data = x'99' WHERE sequence = 1");
  EXPECT_THAT(reader_->ReadImage(1), AllOf(StatusIs(absl::StatusCode::kDataLoss), StatusMessage(HasSubstr("sequence 1"))));
  EXPECT_EQ(reader_->ReadImage(3).value(), "3");
}

TEST_F(ChangeReaderTest, AttributesThatNoWriterWritesAreDataLoss) {
  for (const char* attributes : {"", "[1]", "{\"a\": null}", "{\"a\": 18446744073709551615}", "{"}) {
    Damage((std::string("UPDATE changes SET attributes = '") + attributes + "' WHERE id = 'a'").c_str());
    EXPECT_THAT(reader_->Find("a"), StatusIs(absl::StatusCode::kDataLoss)) << attributes;
    EXPECT_THAT(reader_->List("", 10), StatusIs(absl::StatusCode::kDataLoss)) << attributes;
    EXPECT_THAT(reader_->ReadChanges(0, 10), StatusIs(absl::StatusCode::kDataLoss)) << attributes;
    EXPECT_OK(reader_->Find("c"));
  }
}

TEST_F(ChangeReaderTest, CannotOpenWhatIsNotThere) {
  EXPECT_THAT(ChangeReader::Open(dir_.Join("missing.db")), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace semblance::catalog
