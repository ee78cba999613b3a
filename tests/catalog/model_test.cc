// Runs a random script over the catalog and over a std::map. All answers must agree.
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::catalog {
namespace {

using ::semblance::testing::CatalogFixture;
using ::semblance::testing::DeleteAndWait;
using ::semblance::testing::ItemWithImage;
using ::semblance::testing::UpsertAndWait;

// The last change of one id.
struct ModelRow {
  uint64_t sequence = 0;
  bool deleted = false;
  std::string image;
  std::optional<std::string> label;
};

class ModelTest : public CatalogFixture {
 protected:
  int Draw(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

  std::set<std::string> DrawIds() {
    std::set<std::string> ids;
    for (int i = Draw(4); i >= 0; --i) {
      ids.insert("item" + std::to_string(Draw(30)));
    }
    return ids;
  }

  uint64_t LiveSequence(const std::string& id) const {
    const auto row = model_.find(id);
    return row == model_.end() || row->second.deleted ? 0 : row->second.sequence;
  }

  void UpsertSome() {
    std::vector<ItemWrite> items;
    for (const std::string& id : DrawIds()) {
      items.push_back(ItemWithImage(id, std::string(static_cast<size_t>(Draw(20'000)), static_cast<char>('a' + Draw(26)))));
      if (Draw(2) == 0) {
        items.back().label = std::to_string(Draw(5));
      }
    }
    ASSERT_OK_AND_ASSIGN(const WriteResult result, UpsertAndWait(*catalog_, items));
    ASSERT_EQ(result.changes.size(), items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      EXPECT_EQ(result.changes[i].replaced_sequence, LiveSequence(items[i].id));
      EXPECT_EQ(result.changes[i].sequence, ++last_sequence_);
      model_[items[i].id] = {last_sequence_, false, items[i].image, items[i].label};
    }
    EXPECT_EQ(result.last_sequence, last_sequence_);
  }

  void DeleteSome() {
    const std::set<std::string> ids = DrawIds();
    ASSERT_OK_AND_ASSIGN(const WriteResult result, DeleteAndWait(*catalog_, {ids.begin(), ids.end()}));
    std::vector<std::string> missing;
    size_t next = 0;
    for (const std::string& id : ids) {
      if (LiveSequence(id) == 0) {
        missing.push_back(id);
        continue;
      }
      ASSERT_LT(next, result.changes.size());
      EXPECT_EQ(result.changes[next].item.id, id);
      EXPECT_EQ(result.changes[next].replaced_sequence, LiveSequence(id));
      EXPECT_EQ(result.changes[next++].sequence, ++last_sequence_);
      model_[id] = {last_sequence_, true, "", std::nullopt};
    }
    EXPECT_EQ(next, result.changes.size());
    EXPECT_EQ(result.missing_ids, missing);
  }

  void ExpectSameItems() {
    ASSERT_OK_AND_ASSIGN(const std::vector<CatalogItem> items, catalog_->List("", 1000));
    auto listed = items.begin();
    for (const auto& [id, row] : model_) {
      if (row.deleted) {
        EXPECT_FALSE(catalog_->Find(id).ok());
        continue;
      }
      ASSERT_NE(listed, items.end());
      EXPECT_EQ(listed->id, id);
      EXPECT_EQ(listed->sequence, row.sequence);
      EXPECT_EQ(listed->label, row.label);
      EXPECT_EQ(catalog_->ReadImage(row.sequence).value_or("missing"), row.image);
      EXPECT_EQ(catalog_->Find(id)->sequence, row.sequence);
      ++listed;
    }
    EXPECT_EQ(listed, items.end());
    EXPECT_EQ(catalog_->item_count(), static_cast<int64_t>(items.size()));
  }

  void ExpectSameLog() {
    const uint64_t after = static_cast<uint64_t>(Draw(static_cast<int>(last_sequence_) + 1));
    ASSERT_OK_AND_ASSIGN(const std::vector<Change> changes, catalog_->ReadChanges(after, 1000));
    std::map<uint64_t, std::string> expected;
    for (const auto& [id, row] : model_) {
      if (row.sequence > after) {
        expected[row.sequence] = (row.deleted ? "-" : "+") + id;
      }
    }
    std::map<uint64_t, std::string> actual;
    for (const Change& change : changes) {
      EXPECT_TRUE(actual.empty() || actual.rbegin()->first < change.sequence);
      actual[change.sequence] = (change.deleted ? "-" : "+") + change.item.id;
    }
    EXPECT_EQ(actual, expected);
    EXPECT_EQ(catalog_->last_sequence(), last_sequence_);
  }

  std::mt19937 random_{20240607};
  std::unique_ptr<Catalog> catalog_;
  std::map<std::string, ModelRow> model_;
  uint64_t last_sequence_ = 0;
};

TEST_F(ModelTest, AgreesWithAMapAlsoAfterReopening) {
  catalog_ = Open();
  for (int step = 0; step < 600 && !HasFatalFailure(); ++step) {
    switch (Draw(6)) {
      case 0:
      case 1:
      case 2:
        UpsertSome();
        break;
      case 3:
        DeleteSome();
        break;
      case 4:
        ExpectSameLog();
        break;
      default:
        if (Draw(4) == 0) {
          catalog_.reset();
          catalog_ = Open();
        }
        ExpectSameItems();
    }
  }
}

}  // namespace
}  // namespace semblance::catalog
