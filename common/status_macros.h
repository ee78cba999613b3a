// Macros for an early return on errors, in functions that return absl::Status or absl::StatusOr.
//
//   SEMBLANCE_RETURN_IF_ERROR(WriteFile(path, bytes));
//   SEMBLANCE_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
#ifndef SEMBLANCE_COMMON_STATUS_MACROS_H_
#define SEMBLANCE_COMMON_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define SEMBLANCE_RETURN_IF_ERROR(expr)                                     \
  do {                                                                      \
    if (::absl::Status semblance_status = (expr); !semblance_status.ok()) { \
      return semblance_status;                                              \
    }                                                                       \
  } while (false)

// NOLINTBEGIN(bugprone-macro-parentheses): `lhs` may be a declaration.
#define SEMBLANCE_CONCAT_INNER(a, b) a##b
#define SEMBLANCE_CONCAT(a, b) SEMBLANCE_CONCAT_INNER(a, b)
#define SEMBLANCE_ASSIGN_OR_RETURN_TO(result, lhs, expr) \
  auto result = (expr);                                  \
  if (!result.ok()) {                                    \
    return std::move(result).status();                   \
  }                                                      \
  lhs = std::move(result).value()
#define SEMBLANCE_ASSIGN_OR_RETURN(lhs, expr) \
  SEMBLANCE_ASSIGN_OR_RETURN_TO(SEMBLANCE_CONCAT(semblance_result_, __LINE__), lhs, expr)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // SEMBLANCE_COMMON_STATUS_MACROS_H_
