// Compares every file of data/ with what cases.tsv expects of it.
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "embedder/image/decode.h"
#include "tests/embedder/image/codec_checks.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {
namespace {

struct Case {
  std::string file;
  // A PNG, or the reason of an error.
  std::string expected;
};

std::string PathOf(absl::string_view name) {
  return absl::StrCat(SEMBLANCE_TEST_DATA, "/", name);
}

std::vector<Case> ReadCases() {
  std::vector<Case> cases;
  for (const absl::string_view line : absl::StrSplit(ReadFile(PathOf("cases.tsv")).value_or(""), '\n', absl::SkipEmpty())) {
    const std::vector<std::string> cells = absl::StrSplit(line, '\t');
    if (cells[0] != "file") {
      cases.push_back({cells[0], cells[1]});
    }
  }
  return cases;
}

absl::StatusOr<Image> DecodeFile(absl::string_view name) {
  return DecodeImage(ReadFile(PathOf(name)).value_or(""), DecodeLimits(), 3, 0);
}

TEST(ImageTableTest, EveryFileHasTheExpectedPixelsOrReason) {
  const std::vector<Case> cases = ReadCases();
  ASSERT_GT(cases.size(), 100u);
  for (const Case& a_case : cases) {
    SCOPED_TRACE(a_case.file);
    const absl::StatusOr<Image> image = DecodeFile(a_case.file);
    if (!absl::StartsWith(a_case.expected, "want/")) {
      EXPECT_THAT(image, testing::HasReason(a_case.expected));
      continue;
    }
    const absl::StatusOr<Image> expected = DecodeFile(a_case.expected);
    ASSERT_OK(expected);
    EXPECT_OK(image);
    if (image.ok()) {
      // Lossy formats may differ in the last bit, where another version of the library rounds otherwise.
      EXPECT_LE(LargestDifference(*image, *expected), 2);
    }
  }
}

TEST(ImageTableTest, TheTableListsEveryFile) {
  std::set<std::string> listed = {"README.md", "cases.tsv", "make_images.py", "want"};
  for (const Case& a_case : ReadCases()) {
    listed.insert(a_case.file);
  }
  std::set<std::string> there;
  for (const auto& entry : std::filesystem::directory_iterator(SEMBLANCE_TEST_DATA)) {
    there.insert(entry.path().filename().string());
  }
  EXPECT_EQ(there, listed);
}

}  // namespace
}  // namespace semblance::embedder
