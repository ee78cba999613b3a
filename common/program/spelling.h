// Finds the word that was probably meant, for messages such as "did you mean --top_k?".
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_COMMON_PROGRAM_SPELLING_H_
#define SEMBLANCE_COMMON_PROGRAM_SPELLING_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace semblance {

// The number of edits that turn one word into the other. An edit inserts, deletes or replaces a character, or swaps two neighbors
// (optimal string alignment). Takes time and memory in proportion to the product of the lengths.
size_t EditDistance(absl::string_view a, absl::string_view b);

// Returns the candidate with the smallest distance to `word`, the first of several. Returns nothing if that distance is above a
// third of the length of `word`, and above 1, because then no candidate resembles it.
std::optional<std::string> ClosestSpelling(absl::string_view word, absl::Span<const std::string> candidates);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRAM_SPELLING_H_
