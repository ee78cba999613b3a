#include "service/tasks/observed_table.h"

#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"

namespace semblance::service {
namespace {

using ::testing::ElementsAre;

struct Row {
  int value = 0;
  int measured = 0;
};

class ObservedTableTest : public ::testing::Test {
 protected:
  // Observes "a" and keeps its values. The value is -1 when "a" is gone.
  int64_t Observe(ObservedTable<Row>& table) {
    return *table.AddObserver("a", [this](const std::optional<Row>& row) { seen_.push_back(row.has_value() ? row->value : -1); });
  }

  std::vector<int> seen_;
};

TEST_F(ObservedTableTest, TellsTheRowAsItIsAndThenEachChange) {
  ObservedTable<Row> table;
  table.Insert("a", {.value = 1});
  const int64_t token = Observe(table);
  table.Update("a", [](Row& row) { row.value = 2; });
  table.Insert("b", {.value = 7});
  table.Erase("a");
  EXPECT_THAT(seen_, ElementsAre(1, 2, -1));
  table.RemoveObserver(token);
  table.Insert("a", {.value = 3});
  EXPECT_THAT(seen_, ElementsAre(1, 2, -1));
}

TEST_F(ObservedTableTest, CannotObserveOrFindWhatIsNotThere) {
  ObservedTable<Row> table;
  EXPECT_EQ(table.AddObserver("a", [](const std::optional<Row>&) {}), std::nullopt);
  EXPECT_FALSE(table.Find("a").has_value());
  table.Update("a", [](Row&) { FAIL() << "there is no such row"; });
}

TEST_F(ObservedTableTest, MeasuresARowWhenItIsAskedFor) {
  int measurements = 0;
  ObservedTable<Row> table([&](Row& row) { row.measured = ++measurements; });
  table.Insert("a", {});
  EXPECT_EQ(table.Find("a")->measured, 1);
  EXPECT_EQ(table.List()[0].measured, 2);
}

TEST_F(ObservedTableTest, ListsTheGreatestIdFirst) {
  ObservedTable<Row> table;
  table.Insert("gen-000001", {.value = 1});
  table.Insert("gen-000003", {.value = 3});
  table.Insert("gen-000002", {.value = 2});
  std::vector<int> values;
  for (const Row& row : table.List()) {
    values.push_back(row.value);
  }
  EXPECT_THAT(values, ElementsAre(3, 2, 1));
}

TEST_F(ObservedTableTest, AChangeThatIsRefusedIsNotTold) {
  ObservedTable<Row> table;
  table.Insert("a", {.value = 1});
  Observe(table);
  EXPECT_FALSE(table.UpdateIf("a", [](Row&) { return false; }));
  EXPECT_FALSE(table.UpdateIf("b", [](Row&) { return true; }));
  EXPECT_TRUE(table.UpdateIf("a", [](Row& row) {
    row.value = 5;
    return true;
  }));
  EXPECT_THAT(seen_, ElementsAre(1, 5));
}

}  // namespace
}  // namespace semblance::service
