// Draws a comparison as a web page.
//
// Thread-safe: functions without state.
//
// The page is one file that contains its style and its images, each image once. It loads nothing else, and its content security
// policy forbids that. Names and labels are escaped. Bytes that are no JPEG, PNG, WebP, GIF or BMP are left out, because browsers
// do not show them.
#ifndef SEMBLANCE_CLI_TEXT_COMPARE_PAGE_H_
#define SEMBLANCE_CLI_TEXT_COMPARE_PAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cli/text/comparison.h"

namespace semblance::cli {

// Returns HTML in UTF-8, with a row for each query, in their order. A row shows the query and its neighbors in either generation.
// REQUIRES: Score was called.
std::string ComparisonPage(const Comparison& comparison);

// Returns text for the content of an element or a quoted attribute. Control characters become spaces. Where the text is not UTF-8,
// every byte beyond ASCII becomes a question mark.
std::string EscapeHtml(absl::string_view text);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_COMPARE_PAGE_H_
