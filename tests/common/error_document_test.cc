// Compares docs/errors.md with the enum of the reasons, and with the codes that the sources give them.
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/error_reason.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance {
namespace {

using ::testing::Contains;
using ::testing::ElementsAreArray;
using ::testing::Key;

using CodesOfReasons = std::map<std::string, std::set<std::string>>;

// The rows "| `REASON` | CODE, CODE | ..." of the document.
CodesOfReasons ReadDocument() {
  CodesOfReasons rows;
  const std::string text = ReadFile(SEMBLANCE_SOURCE_DIR "/docs/errors.md").value_or("");
  const std::regex row("\\| `([A-Z_]+)` \\| ([A-Z_, ]+) \\|.*");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    std::cmatch match;
    if (std::regex_match(line.begin(), line.end(), match, row)) {
      const std::set<std::string> codes = absl::StrSplit(match[2].str(), ", ");
      EXPECT_TRUE(rows.emplace(match[1].str(), codes).second) << match[1] << " has two rows";
    }
  }
  return rows;
}

std::string ReadSources() {
  std::string text;
  for (const char* folder :
       {"builder", "catalog", "cli", "common", "config", "dataset", "embedder", "generation", "index", "service", "trainer"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::filesystem::path(SEMBLANCE_SOURCE_DIR) / folder)) {
      if (entry.path().extension() == ".cc" || entry.path().extension() == ".h") {
        text += ReadFile(entry.path().string()).value_or("");
      }
    }
  }
  return text;
}

std::vector<std::smatch> Matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return {std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()};
}

// Turns NotFound into NOT_FOUND.
std::string CodeName(const std::string& pascal) {
  return absl::AsciiStrToUpper(std::regex_replace(pascal, std::regex("([a-z])([A-Z])"), "$1_$2"));
}

TEST(ErrorDocumentTest, HasARowForEachReasonAndNoOther) {
  std::set<std::string> names;
  const google::protobuf::EnumDescriptor& reasons = *v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons.value_count(); ++i) {
    if (reasons.value(i)->number() != v1::ERROR_REASON_UNSPECIFIED) {
      names.insert(ReasonName(static_cast<v1::ErrorReason>(reasons.value(i)->number())));
    }
  }
  std::vector<std::string> rows;
  for (const auto& [reason, codes] : ReadDocument()) {
    rows.push_back(reason);
  }
  EXPECT_THAT(rows, ElementsAreArray(names));
}

TEST(ErrorDocumentTest, NamesGrpcCodesOnly) {
  std::set<std::string> known;
  for (int code = 1; code <= 16; ++code) {
    known.insert(absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
  }
  for (const auto& [reason, codes] : ReadDocument()) {
    for (const std::string& code : codes) {
      EXPECT_THAT(known, Contains(code)) << reason;
    }
  }
}

TEST(ErrorDocumentTest, NamesTheCodesThatTheSourcesGive) {
  const CodesOfReasons rows = ReadDocument();
  const std::string sources = ReadSources();
  CodesOfReasons given;
  for (const std::smatch& match : Matches(sources, "\\bError\\(\\s*absl::StatusCode::k(\\w+),\\s*v1::ERROR_REASON_(\\w+)")) {
    given[match[2]].insert(CodeName(match[1]));
  }
  for (const std::smatch& match : Matches(sources, "\\bInvalidField\\((?:[^(),]|\\([^()]*\\))+,\\s*v1::ERROR_REASON_(\\w+)")) {
    given[match[1]].insert("INVALID_ARGUMENT");
  }
  ASSERT_GT(given.size(), 30U) << "the patterns above no longer find errors in the sources";
  for (const auto& [reason, codes] : given) {
    ASSERT_THAT(rows, Contains(Key(reason)));
    for (const std::string& code : codes) {
      EXPECT_THAT(rows.at(reason), Contains(code)) << reason;
    }
  }
}

TEST(ErrorDocumentTest, ExplainsNoReasonThatNothingGives) {
  const std::string sources = ReadSources();
  for (const auto& [reason, codes] : ReadDocument()) {
    EXPECT_THAT(sources, ::testing::HasSubstr("v1::ERROR_REASON_" + reason));
  }
}

}  // namespace
}  // namespace semblance
