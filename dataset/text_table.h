// Parses text files that list images, line by line.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_DATASET_TEXT_TABLE_H_
#define SEMBLANCE_DATASET_TEXT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::dataset {

// Editors of Windows write a mark of three bytes before the text.
absl::string_view WithoutByteOrderMark(absl::string_view text);

// Calls `parse` with every line that is not empty, without its end (LF or CR LF) and without a byte order mark, until a call fails.
// Errors: those of reading the file; the error of `parse`, with "FILE:LINE: " before its message.
absl::Status ForEachLine(const std::string& file, absl::FunctionRef<absl::Status(absl::string_view line)> parse);

// Does the same for a TSV file, where a line that starts with # is a comment.
absl::Status ForEachTsvLine(const std::string& file, absl::FunctionRef<absl::Status(absl::string_view line)> parse);

// Returns the position of the column `name` in a header.
std::optional<size_t> FindColumn(const std::vector<absl::string_view>& header, absl::string_view name);

// Splits a line into its tab-separated cells. Errors: InvalidArgument when their number is not `count`.
absl::StatusOr<std::vector<absl::string_view>> SplitTsvLine(absl::string_view line, size_t count);

// A line like "17 some/path": a positive number, a space, and a text that is not empty.
struct NumberedText {
  int64_t number = 0;
  absl::string_view text;
};

// Parses such a line, which must outlive the result. Errors: InvalidArgument with the message "expected <words>, found <line>".
absl::StatusOr<NumberedText> ParseNumberedText(absl::string_view line, absl::string_view words);

// Parses a decimal number of at least 1. `what` names it in messages. Errors: InvalidArgument.
absl::StatusOr<int64_t> ParsePositive(absl::string_view text, absl::string_view what);

}  // namespace semblance::dataset

#endif  // SEMBLANCE_DATASET_TEXT_TABLE_H_
