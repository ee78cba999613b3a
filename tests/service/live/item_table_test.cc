#include "service/live/item_table.h"

#include <atomic>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace semblance::service {
namespace {

std::shared_ptr<const ItemRecord> Record(uint64_t sequence, const std::string& id) {
  return std::make_shared<const ItemRecord>(ItemRecord{.sequence = sequence, .id = id, .label = {}, .attributes = {}});
}

TEST(ItemTableTest, FindsRecordsBySequenceAndSequencesById) {
  ItemTable table;
  table.Insert(Record(1, "a"));
  table.Insert(Record(2, "b"));
  const ItemTable::View view(&table);
  EXPECT_EQ(view.Record(1)->id, "a");
  EXPECT_EQ(view.Record(3), nullptr);
  EXPECT_EQ(table.SequenceOf("b"), 2);
  EXPECT_EQ(table.SequenceOf("c"), std::nullopt);
  EXPECT_EQ(table.size(), 2u);
}

TEST(ItemTableTest, ReplacedItemIsFoundUnderItsNewSequence) {
  ItemTable table;
  table.Insert(Record(1, "a"));
  table.Insert(Record(2, "a"));
  table.Retire(1, 2);
  EXPECT_EQ(table.SequenceOf("a"), 2);
  EXPECT_EQ(table.size(), 1u);
  const ItemTable::View view(&table);
  EXPECT_EQ(view.Record(1), nullptr);
}

TEST(ItemTableTest, ViewKeepsRecordsThatAreRetiredWhileItIsOpen) {
  ItemTable table;
  table.Insert(Record(1, "a"));
  table.Insert(Record(2, "b"));
  auto view = std::make_unique<ItemTable::View>(&table);
  table.Retire(1, 3);
  EXPECT_EQ(table.SequenceOf("a"), std::nullopt);
  ASSERT_NE(view->Record(1), nullptr);
  EXPECT_EQ(view->Record(1)->id, "a");
  view.reset();
  // The next retirement drops what no view can reach.
  table.Retire(2, 4);
  const ItemTable::View later(&table);
  EXPECT_EQ(later.Record(1), nullptr);
  EXPECT_EQ(later.Record(2), nullptr);
}

TEST(ItemTableTest, OldViewKeepsWhatAYoungerOneDoesNotNeed) {
  ItemTable table;
  for (uint64_t i = 1; i <= 3; ++i) {
    table.Insert(Record(i, absl::StrCat(i)));
  }
  auto old_view = std::make_unique<ItemTable::View>(&table);
  table.Retire(1, 4);
  const ItemTable::View young_view(&table);
  table.Retire(2, 5);
  EXPECT_NE(old_view->Record(1), nullptr);
  old_view.reset();
  table.Retire(3, 6);
  EXPECT_EQ(young_view.Record(1), nullptr);
  EXPECT_NE(young_view.Record(2), nullptr);
  EXPECT_NE(young_view.Record(3), nullptr);
}

TEST(ItemTableTest, AnIdHasTheSequenceThatItHadAtTheTimeOfTheView) {
  ItemTable table;
  table.Insert(Record(1, "a"));
  const ItemTable::View view(&table);
  table.Insert(Record(2, "a"));
  table.Retire(1, 2);
  table.Retire(2, 3);
  table.Insert(Record(4, "a"));
  EXPECT_EQ(view.SequenceAt("a", 0), std::nullopt);
  EXPECT_EQ(view.SequenceAt("a", 1), 1);
  EXPECT_EQ(view.SequenceAt("a", 2), 2);
  EXPECT_EQ(view.SequenceAt("a", 3), 2) << "the index knows that it is deleted";
  EXPECT_EQ(view.SequenceAt("a", 9), 4);
  EXPECT_EQ(view.SequenceAt("b", 9), std::nullopt);
}

TEST(ItemTableTest, ForgetsSequencesThatNoViewNeeds) {
  ItemTable table;
  table.Insert(Record(1, "a"));
  table.Insert(Record(2, "a"));
  table.Retire(1, 2);
  table.Retire(2, 3);
  const ItemTable::View view(&table);
  EXPECT_EQ(view.SequenceAt("a", 3), std::nullopt);
  table.Insert(Record(4, "a"));
  EXPECT_EQ(view.SequenceAt("a", 3), std::nullopt);
  EXPECT_EQ(view.SequenceAt("a", 4), 4);
}

TEST(ItemTableTest, AWithdrawnInsertLeavesWhatWasThereBefore) {
  ItemTable table;
  const ItemTable::View view(&table);
  table.Insert(Record(1, "new"));
  table.Withdraw(1);
  EXPECT_EQ(table.SequenceOf("new"), std::nullopt);
  EXPECT_EQ(view.Record(1), nullptr);

  table.Insert(Record(2, "replaced"));
  table.Insert(Record(3, "replaced"));
  table.Withdraw(3);
  EXPECT_EQ(table.SequenceOf("replaced"), 2);
  EXPECT_EQ(view.SequenceAt("replaced", 9), 2);

  table.Insert(Record(4, "deleted"));
  table.Retire(4, 5);
  table.Insert(Record(6, "deleted"));
  table.Withdraw(6);
  EXPECT_EQ(table.SequenceOf("deleted"), std::nullopt);
  EXPECT_EQ(view.SequenceAt("deleted", 4), 4) << "an open view still needs it";
  EXPECT_EQ(table.size(), 1u);
}

TEST(ItemTableTest, RetiringAnUnknownSequenceDoesNothing) {
  ItemTable table;
  table.Insert(Record(1, "a"));
  table.Retire(9, 10);
  EXPECT_EQ(table.SequenceOf("a"), 1);
}

// One writer replaces one item over and over. Readers always find the record, and the sequence, that was current when they looked.
TEST(ItemTableTest, ReadersAlwaysResolveWhatWasCurrentAfterTheyOpenedTheirView) {
  ItemTable table;
  table.Insert(Record(1, "a"));
  std::atomic<uint64_t> current = 1;
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const ItemTable::View view(&table);
        const uint64_t sequence = current.load();
        EXPECT_NE(view.Record(sequence), nullptr) << sequence;
        EXPECT_EQ(view.SequenceAt("a", sequence), sequence);
      }
    });
  }
  for (uint64_t sequence = 2; sequence < 5000; ++sequence) {
    table.Insert(Record(sequence, "a"));
    current = sequence;
    table.Retire(sequence - 1, sequence);
  }
  stop = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(table.size(), 1u);
}

}  // namespace
}  // namespace semblance::service
