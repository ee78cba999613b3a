// Parses the names that clients give to models: "shoes/3" (version 3), "shoes@champion" (an alias), "shoes" (the greatest
// version).
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_SERVICE_MODELS_MODEL_NAME_H_
#define SEMBLANCE_SERVICE_MODELS_MODEL_NAME_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::service {

// At most one of version and alias is set.
struct ModelName {
  std::string name;
  std::optional<int> version;
  // Empty, or an alias that IsModelAlias accepts.
  std::string alias;
};

// Errors: InvalidArgument/INVALID_MODEL_NAME with the field.
absl::StatusOr<ModelName> ParseModelName(absl::string_view text, absl::string_view field);

// Returns true for "champion" and "candidate".
bool IsModelAlias(absl::string_view text);

// Parses a version as names and directories write it: 1 or more, without sign or leading zeros. Returns nullopt for any other
// text.
std::optional<int> ParseModelVersion(absl::string_view text);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_NAME_H_
