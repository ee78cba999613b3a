#include "cli/text/table.h"

#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace semblance::cli {
namespace {

std::string Print(const Table& table) {
  std::ostringstream out;
  out << table;
  return out.str();
}

TEST(TableTest, AlignsWordsToTheLeftAndNumbersToTheRight) {
  Table table({"item", "score", "label"});
  table.AddRow({"a", "0.9912", "shoe"});
  table.AddRow({"longer", "-1", "-"});
  EXPECT_EQ(Print(table),
            "item     score  label\n"
            "a       0.9912  shoe\n"
            "longer      -1  -\n");
}

TEST(TableTest, CountsCharactersInsteadOfBytes) {
  Table table({"item", "n"});
  table.AddRow(
      {"gr\xc3\xb6\xc3\x9f"
       "e",
       "1"});
  table.AddRow({"groesse", "2"});
  EXPECT_EQ(Print(table),
            "item     n\n"
            "gr\xc3\xb6\xc3\x9f"
            "e    1\n"
            "groesse  2\n");
}

TEST(TableTest, PrintsTheHeaderAloneWithoutRows) {
  EXPECT_EQ(Print(Table({"item"})), "item\n");
}

TEST(TableTest, PrintsNoHeaderWhereThereIsNone) {
  Table table({});
  table.AddRow({"state", "serving"});
  EXPECT_EQ(Print(table), "state  serving\n");
}

}  // namespace
}  // namespace semblance::cli
