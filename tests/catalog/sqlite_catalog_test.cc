#include <sqlite3.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "catalog/catalog.h"
#include "common/digest.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::Await;
using ::semblance::testing::CatalogFixture;
using ::semblance::testing::DeleteAndWait;
using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::ItemWithImage;
using ::semblance::testing::StatusIs;
using ::semblance::testing::UpsertAndWait;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CatalogTest : public CatalogFixture {
 protected:
  std::vector<std::string> ListedIds(const Catalog& catalog, absl::string_view after, int limit) {
    const auto items = catalog.List(after, limit);
    EXPECT_OK(items);
    std::vector<std::string> ids;
    for (const CatalogItem& item : items.value_or(std::vector<CatalogItem>{})) {
      ids.push_back(item.id);
    }
    return ids;
  }

  // Returns the log with entries like "+id@sequence" or "-id@sequence".
  std::vector<std::string> Log(const Catalog& catalog, uint64_t after, int limit = 100) {
    const auto changes = catalog.ReadChanges(after, limit);
    EXPECT_OK(changes);
    std::vector<std::string> log;
    for (const Change& change : changes.value_or(std::vector<Change>{})) {
      log.push_back((change.deleted ? "-" : "+") + change.item.id + "@" + std::to_string(change.sequence));
    }
    return log;
  }

  void RunSql(const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
};

TEST_F(CatalogTest, IsEmptyAtFirst) {
  const auto catalog = Open();
  EXPECT_EQ(catalog->item_count(), 0);
  EXPECT_EQ(catalog->last_sequence(), 0);
  EXPECT_THAT(ListedIds(*catalog, "", 10), IsEmpty());
  EXPECT_THAT(Log(*catalog, 0), IsEmpty());
  EXPECT_THAT(catalog->Find("a"), AllOf(StatusIs(absl::StatusCode::kNotFound), HasReason("ITEM_NOT_FOUND")));
  EXPECT_THAT(catalog->ReadImage(1), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CatalogTest, FindsWhatWasWrittenAlsoAfterReopening) {
  ItemWrite item{.id = "shoes/1", .image = std::string("\xff\xd8\0z", 4), .label = "shoe", .attributes = {{"price", 9.5}}};
  const absl::Time before = absl::Now() - absl::Microseconds(1);
  ASSERT_OK_AND_ASSIGN(const WriteResult written, UpsertAndWait(*Open(), {item}));
  ASSERT_THAT(written.changes, SizeIs(1));

  const auto catalog = Open();
  ASSERT_OK_AND_ASSIGN(const CatalogItem found, catalog->Find("shoes/1"));
  EXPECT_EQ(found.id, item.id);
  EXPECT_EQ(found.sequence, 1);
  EXPECT_EQ(found.label, item.label);
  EXPECT_EQ(found.attributes, item.attributes);
  EXPECT_EQ(found.image_sha256, Sha256Hex(item.image));
  EXPECT_EQ(found.update_time, written.changes[0].item.update_time);
  EXPECT_GE(found.update_time, before);
  EXPECT_LE(found.update_time, absl::Now());
  ASSERT_OK_AND_ASSIGN(const std::string image, catalog->ReadImage(1));
  EXPECT_EQ(image, item.image);
}

TEST_F(CatalogTest, TellsAnUnsetLabelFromAnEmptyOne) {
  const auto catalog = Open();
  ItemWrite empty = ItemWithImage("empty", "");
  empty.label = "";
  ASSERT_OK(UpsertAndWait(*catalog, {empty, ItemWithImage("unset", "")}));
  EXPECT_EQ(catalog->Find("empty").value().label, "");
  EXPECT_EQ(catalog->Find("unset").value().label, std::nullopt);
  EXPECT_EQ(catalog->ReadImage(1).value(), "");
}

TEST_F(CatalogTest, GivesEveryChangeTheNextSequenceInTheOrderOfTheRequest) {
  const auto catalog = Open();
  ASSERT_OK_AND_ASSIGN(const WriteResult first, UpsertAndWait(*catalog, {ItemWithImage("b", "1"), ItemWithImage("a", "2")}));
  ASSERT_OK_AND_ASSIGN(const WriteResult second, UpsertAndWait(*catalog, {ItemWithImage("c", "3")}));
  ASSERT_THAT(first.changes, SizeIs(2));
  EXPECT_EQ(first.changes[0].item.id, "b");
  EXPECT_EQ(first.changes[0].sequence, 1);
  EXPECT_EQ(first.changes[1].item.sequence, 2);
  EXPECT_EQ(first.last_sequence, 2);
  EXPECT_EQ(second.last_sequence, 3);
  EXPECT_EQ(catalog->last_sequence(), 3);
}

TEST_F(CatalogTest, ReplacesAnItemAndDropsItsOldImage) {
  const auto catalog = Open();
  ASSERT_OK(UpsertAndWait(*catalog, {ItemWithImage("a", "old")}));
  ASSERT_OK_AND_ASSIGN(const WriteResult result, UpsertAndWait(*catalog, {ItemWithImage("a", "new")}));
  EXPECT_EQ(result.changes[0].replaced_sequence, 1);
  EXPECT_EQ(catalog->item_count(), 1);
  EXPECT_THAT(catalog->ReadImage(1), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(catalog->ReadImage(2).value(), "new");
  EXPECT_THAT(Log(*catalog, 0), ElementsAre("+a@2"));
}

TEST_F(CatalogTest, DeletesWhatExistsAndNamesTheRest) {
  const auto catalog = Open();
  ASSERT_OK(UpsertAndWait(*catalog, {ItemWithImage("a", "1"), ItemWithImage("b", "2")}));
  ASSERT_OK_AND_ASSIGN(const WriteResult result, DeleteAndWait(*catalog, {"x", "a", "y"}));
  ASSERT_THAT(result.changes, SizeIs(1));
  EXPECT_TRUE(result.changes[0].deleted);
  EXPECT_EQ(result.changes[0].item.id, "a");
  EXPECT_EQ(result.changes[0].sequence, 3);
  EXPECT_EQ(result.changes[0].replaced_sequence, 1);
  EXPECT_THAT(result.missing_ids, ElementsAre("x", "y"));
  EXPECT_EQ(catalog->item_count(), 1);
  EXPECT_THAT(catalog->Find("a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(catalog->ReadImage(1), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ListedIds(*catalog, "", 10), ElementsAre("b"));
}

TEST_F(CatalogTest, DeletingTwiceIsHarmlessAndKeepsTheTombstone) {
  const auto catalog = Open();
  ASSERT_OK(UpsertAndWait(*catalog, {ItemWithImage("a", "1")}));
  ASSERT_OK(DeleteAndWait(*catalog, {"a"}));
  ASSERT_OK_AND_ASSIGN(const WriteResult again, DeleteAndWait(*catalog, {"a"}));
  EXPECT_THAT(again.changes, IsEmpty());
  EXPECT_THAT(again.missing_ids, ElementsAre("a"));
  EXPECT_EQ(again.last_sequence, 2);
  EXPECT_EQ(catalog->item_count(), 0);
  EXPECT_THAT(Log(*catalog, 0), ElementsAre("-a@2"));
}

TEST_F(CatalogTest, AnItemMayComeBackAfterItsDelete) {
  const auto catalog = Open();
  ASSERT_OK(UpsertAndWait(*catalog, {ItemWithImage("a", "1")}));
  ASSERT_OK(DeleteAndWait(*catalog, {"a"}));
  ASSERT_OK_AND_ASSIGN(const WriteResult result, UpsertAndWait(*catalog, {ItemWithImage("a", "2")}));
  EXPECT_EQ(result.changes[0].sequence, 3);
  EXPECT_EQ(result.changes[0].replaced_sequence, 0);
  EXPECT_EQ(catalog->item_count(), 1);
  EXPECT_THAT(Log(*catalog, 0), ElementsAre("+a@3"));
}

TEST_F(CatalogTest, NeverReusesASequenceEvenWhenTheLastItemIsGone) {
  ASSERT_OK(UpsertAndWait(*Open(), {ItemWithImage("a", "1")}));
  ASSERT_OK(DeleteAndWait(*Open(), {"a"}));
  const auto catalog = Open();
  EXPECT_EQ(catalog->last_sequence(), 2);
  EXPECT_EQ(catalog->item_count(), 0);
  EXPECT_EQ(UpsertAndWait(*catalog, {ItemWithImage("b", "1")})->last_sequence, 3);
}

TEST_F(CatalogTest, AcceptsRequestsThatChangeNothing) {
  const auto catalog = Open();
  EXPECT_EQ(UpsertAndWait(*catalog, {})->last_sequence, 0);
  EXPECT_EQ(DeleteAndWait(*catalog, {"x"})->last_sequence, 0);
}

TEST_F(CatalogTest, ListsByBytesAPageAtATime) {
  const auto catalog = Open();
  ASSERT_OK(UpsertAndWait(*catalog, {ItemWithImage("b", ""), ItemWithImage("\xc3\xa4", ""), ItemWithImage("a", ""),
                                     ItemWithImage("B", ""), ItemWithImage("ab", "")}));
  EXPECT_THAT(ListedIds(*catalog, "", 3), ElementsAre("B", "a", "ab"));
  EXPECT_THAT(ListedIds(*catalog, "ab", 3), ElementsAre("b", "\xc3\xa4"));
  EXPECT_THAT(ListedIds(*catalog, "aa", 1), ElementsAre("ab"));
  EXPECT_THAT(ListedIds(*catalog, "", 0), IsEmpty());
}

TEST_F(CatalogTest, ReadsTheLogInPiecesInOrder) {
  const auto catalog = Open();
  ASSERT_OK(UpsertAndWait(*catalog, {ItemWithImage("a", ""), ItemWithImage("b", ""), ItemWithImage("c", "")}));
  ASSERT_OK(DeleteAndWait(*catalog, {"b"}));
  ASSERT_OK(UpsertAndWait(*catalog, {ItemWithImage("a", "")}));
  EXPECT_THAT(Log(*catalog, 0), ElementsAre("+c@3", "-b@4", "+a@5"));
  EXPECT_THAT(Log(*catalog, 0, 2), ElementsAre("+c@3", "-b@4"));
  EXPECT_THAT(Log(*catalog, 4), ElementsAre("+a@5"));
  EXPECT_THAT(Log(*catalog, 5), IsEmpty());
  EXPECT_THAT(Log(*catalog, std::numeric_limits<uint64_t>::max()), IsEmpty());
}

TEST_F(CatalogTest, RefusesAnItemThatNoRowHoldsAndGoesOn) {
  const auto catalog = Open();
  EXPECT_THAT(UpsertAndWait(*catalog, {ItemWithImage("a", ""), ItemWithImage("huge", std::string((256 << 20) + 1, 'x'))}),
              AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("LIMIT_EXCEEDED"), HasField("items[1].image")));
  EXPECT_EQ(UpsertAndWait(*catalog, {ItemWithImage("b", "")})->last_sequence, 1);
}

TEST_F(CatalogTest, AnswersEverythingBeforeItCloses) {
  int answers = 0;
  auto catalog = Open();
  for (int i = 0; i < 100; ++i) {
    catalog->Upsert({ItemWithImage(std::to_string(i), "x")}, [&answers](const auto& result) { answers += result.ok() ? 1 : 0; });
  }
  catalog.reset();
  EXPECT_EQ(answers, 100);
  EXPECT_EQ(Open()->item_count(), 100);
}

TEST_F(CatalogTest, TellsHowLongCommitsTake) {
  std::vector<absl::Duration> times;
  const auto on_commit = [&times](absl::Duration time) { times.push_back(time); };
  ASSERT_OK(UpsertAndWait(*Open({.read_only = false, .on_commit = on_commit}), {ItemWithImage("a", "x")}));
  EXPECT_THAT(times, ElementsAre(::testing::Gt(absl::ZeroDuration())));
}

TEST_F(CatalogTest, ACallbackMayWriteAgain) {
  auto catalog = Open();
  EXPECT_OK(Await([&](const Catalog::WriteCallback& done) {
    catalog->Upsert({ItemWithImage("a", "x")}, [&, done](const auto&) { catalog->Delete({"a"}, done); });
  }));
  EXPECT_EQ(catalog->last_sequence(), 2);
}

TEST_F(CatalogTest, OpenedForReadingSeesTheWriterAndRefusesWrites) {
  const auto writer = Open();
  const auto reader = Open({.read_only = true, .on_commit = nullptr});
  ASSERT_OK(UpsertAndWait(*writer, {ItemWithImage("a", "x"), ItemWithImage("b", "y")}));
  ASSERT_OK(DeleteAndWait(*writer, {"a"}));
  EXPECT_EQ(reader->item_count(), 1);
  EXPECT_EQ(reader->last_sequence(), 3);
  EXPECT_EQ(reader->ReadImage(2).value(), "y");
  EXPECT_THAT(UpsertAndWait(*reader, {ItemWithImage("c", "z")}),
              AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason("READ_ONLY")));
  EXPECT_THAT(DeleteAndWait(*reader, {"b"}), HasReason("READ_ONLY"));
}

TEST_F(CatalogTest, OpenedForReadingMustExist) {
  EXPECT_THAT(OpenSqliteCatalog(path(), {.read_only = true, .on_commit = nullptr}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(PathExists(path()));
}

TEST_F(CatalogTest, IsNotCreatedInAMissingDirectory) {
  EXPECT_THAT(OpenSqliteCatalog(dir_.Join("missing/catalogue.db"), {}), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CatalogTest, RefusesANewerSchema) {
  Open();
  RunSql("PRAGMA user_version = 2");
  EXPECT_THAT(OpenSqliteCatalog(path(), {}), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(OpenSqliteCatalog(path(), {.read_only = true, .on_commit = nullptr}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(CatalogTest, RefusesAndKeepsTheDatabaseOfAnotherProgram) {
  RunSql("CREATE TABLE theirs (x)");
  EXPECT_THAT(OpenSqliteCatalog(path(), {}), StatusIs(absl::StatusCode::kFailedPrecondition));
  RunSql("INSERT INTO theirs VALUES (1)");
}

}  // namespace
}  // namespace semblance::catalog
