#include "dataset/text_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace semblance::dataset {

absl::string_view WithoutByteOrderMark(absl::string_view text) {
  return absl::StripPrefix(text, "\xEF\xBB\xBF");
}

absl::Status ForEachLine(const std::string& file, absl::FunctionRef<absl::Status(absl::string_view line)> parse) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  int64_t line_number = 0;
  for (absl::string_view line : absl::StrSplit(WithoutByteOrderMark(text), '\n')) {
    ++line_number;
    line = absl::StripSuffix(line, "\r");
    if (line.empty()) {
      continue;
    }
    if (absl::Status status = parse(line); !status.ok()) {
      return WithContext(status, absl::StrCat(file, ":", line_number));
    }
  }
  return absl::OkStatus();
}

absl::Status ForEachTsvLine(const std::string& file, absl::FunctionRef<absl::Status(absl::string_view line)> parse) {
  return ForEachLine(file, [parse](absl::string_view line) { return line.front() == '#' ? absl::OkStatus() : parse(line); });
}

std::optional<size_t> FindColumn(const std::vector<absl::string_view>& header, absl::string_view name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) {
    return std::nullopt;
  }
  return static_cast<size_t>(found - header.begin());
}

absl::StatusOr<std::vector<absl::string_view>> SplitTsvLine(absl::string_view line, size_t count) {
  std::vector<absl::string_view> cells = absl::StrSplit(line, '\t');
  if (cells.size() != count) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", count, " tab-separated cells, found ", cells.size()));
  }
  return cells;
}

absl::StatusOr<NumberedText> ParseNumberedText(absl::string_view line, absl::string_view words) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
  NumberedText result;
  result.text = parts.second;
  if (!absl::SimpleAtoi(parts.first, &result.number) || result.number < 1 || result.text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", words, ", found \"", line, "\""));
  }
  return result;
}

absl::StatusOr<int64_t> ParsePositive(absl::string_view text, absl::string_view what) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < 1) {
    return absl::InvalidArgumentError(absl::StrCat(what, " is \"", text, "\"; expected a number of at least 1"));
  }
  return number;
}

}  // namespace semblance::dataset
