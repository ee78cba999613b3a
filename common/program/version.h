// The version of the programs, which CMakeLists.txt names once: project(semblance VERSION ...).
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_COMMON_PROGRAM_VERSION_H_
#define SEMBLANCE_COMMON_PROGRAM_VERSION_H_

#include "absl/strings/string_view.h"

namespace semblance {

// Returns a text such as "0.1.0".
absl::string_view Version();

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRAM_VERSION_H_
