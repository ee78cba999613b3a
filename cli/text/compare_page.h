// Draws a comparison as a web page.
//
// Thread-safe: functions without state.
//
// The page is one file that asks for nothing else: style and images are in it, an image once however often it is shown, and its
// content security policy forbids the rest. Names and labels are escaped; bytes that are no JPEG, PNG or WebP do not get in.
#ifndef SEMBLANCE_CLI_TEXT_COMPARE_PAGE_H_
#define SEMBLANCE_CLI_TEXT_COMPARE_PAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cli/text/comparison.h"

namespace semblance::cli {

// HTML, UTF-8. A row for each query, in their order: the query, and its neighbours in either generation. REQUIRES: Score was
// called.
std::string ComparisonPage(const Comparison& comparison);

// Text for the content of an element or a quoted attribute. Control characters become spaces; of text that is no UTF-8, every byte
// beyond ASCII a question mark.
std::string EscapeHtml(absl::string_view text);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_COMPARE_PAGE_H_
