#include "dataset/text_table.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::TempDir;
using ::semblance::testing::WriteTestFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TextTableTest : public ::testing::Test {
 protected:
  using Reader = absl::Status (*)(const std::string&, absl::FunctionRef<absl::Status(absl::string_view)>);

  // Returns the lines that a reader gives for a file with that text.
  std::vector<std::string> Lines(Reader reader, const std::string& text) {
    WriteTestFile(file_, text);
    std::vector<std::string> lines;
    EXPECT_OK(reader(file_, [&lines](absl::string_view line) {
      lines.emplace_back(line);
      return absl::OkStatus();
    }));
    return lines;
  }

  const TempDir dir_;
  const std::string file_ = dir_.Join("table.txt");
};

TEST_F(TextTableTest, GivesEveryLineWithoutItsEnd) {
  EXPECT_THAT(Lines(ForEachLine, "one\ntwo\r\nthree"), ElementsAre("one", "two", "three"));
  EXPECT_THAT(Lines(ForEachLine, "# no comment\n\n\r\n x \n"), ElementsAre("# no comment", " x "));
  EXPECT_THAT(Lines(ForEachLine, ""), ElementsAre());
}

TEST_F(TextTableTest, SkipsCommentsOfTsvFiles) {
  EXPECT_THAT(Lines(ForEachTsvLine, "#comment\na\tb\n # no comment\n"), ElementsAre("a\tb", " # no comment"));
}

TEST_F(TextTableTest, StopsAtTheFirstErrorAndNamesItsLine) {
  WriteTestFile(file_, "good\n\nbad\nbad\n");
  int calls = 0;
  const absl::Status status = ForEachLine(file_, [&calls](absl::string_view line) {
    ++calls;
    return line == "bad" ? absl::InvalidArgumentError("no good") : absl::OkStatus();
  });
  EXPECT_THAT(status, AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(StartsWith(file_ + ":3: no good"))));
  EXPECT_EQ(calls, 2);
}

TEST_F(TextTableTest, ReturnsTheErrorOfReadingTheFile) {
  EXPECT_THAT(ForEachLine(dir_.Join("missing"), [](absl::string_view) { return absl::OkStatus(); }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(FindColumn, FindsTheFirstCellOfThatName) {
  const std::vector<absl::string_view> header = {"path", "label", "label"};
  EXPECT_EQ(FindColumn(header, "path"), 0U);
  EXPECT_EQ(FindColumn(header, "label"), 1U);
  EXPECT_EQ(FindColumn(header, "Label"), std::nullopt);
  EXPECT_EQ(FindColumn({}, "path"), std::nullopt);
}

TEST(SplitTsvLine, WantsExactlyAsManyCells) {
  EXPECT_THAT(SplitTsvLine("a\t\tc", 3).value(), ElementsAre("a", "", "c"));
  EXPECT_THAT(SplitTsvLine("a b", 1).value(), ElementsAre("a b"));
  for (const size_t count : {2, 4}) {
    EXPECT_THAT(SplitTsvLine("a\tb\tc", count),
                AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr("found 3"))));
  }
}

TEST(ParseNumberedText, SplitsAtTheFirstSpace) {
  const absl::StatusOr<NumberedText> parsed = ParseNumberedText("17 some path", "an id and a path");
  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->number, 17);
  EXPECT_EQ(parsed->text, "some path");
}

TEST(ParseNumberedText, SaysWhatItExpectedAndFound) {
  for (const std::string line : {"", "17", "17 ", "0 x", "-3 x", "x 17", "1.5 x", "99999999999999999999 x"}) {
    EXPECT_THAT(ParseNumberedText(line, "an id and a path"),
                AllOf(StatusIs(absl::StatusCode::kInvalidArgument),
                      StatusMessage(HasSubstr("expected an id and a path, found \"" + line + "\""))));
  }
}

TEST(ParsePositive, TakesWholeNumbersFromOneUp) {
  EXPECT_EQ(ParsePositive("1", "the class").value(), 1);
  EXPECT_EQ(ParsePositive("9223372036854775807", "the class").value(), INT64_MAX);
  for (const char* text : {"", "0", "-1", "1.0", "one", "9223372036854775808"}) {
    EXPECT_THAT(ParsePositive(text, "the class"), AllOf(StatusIs(absl::StatusCode::kInvalidArgument),
                                                        StatusMessage(HasSubstr("the class is")), StatusMessage(HasSubstr(text))));
  }
}

}  // namespace
}  // namespace semblance::dataset
