// Calls FAISS, and turns its exceptions into absl::Status.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_INDEX_FINDERS_FAISS_CALL_H_
#define SEMBLANCE_INDEX_FINDERS_FAISS_CALL_H_

#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace semblance::index {

// Runs `call`. An exception becomes Internal; the message begins with `what`.
template <typename Call>
absl::Status FaissCall(absl::string_view what, Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(what, ": ", error.what()));
  }
  return absl::OkStatus();
}

}  // namespace semblance::index

#endif  // SEMBLANCE_INDEX_FINDERS_FAISS_CALL_H_
