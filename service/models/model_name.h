// How clients name models: "shoes/3" (version 3), "shoes@champion" (by alias), "shoes" (the greatest version).
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_SERVICE_MODELS_MODEL_NAME_H_
#define SEMBLANCE_SERVICE_MODELS_MODEL_NAME_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::service {

// At most one of version and alias.
struct ModelName {
  std::string name;
  std::optional<int> version;
  // "" or one that IsModelAlias takes.
  std::string alias;
};

// Errors: InvalidArgument/INVALID_MODEL_NAME with the field.
absl::StatusOr<ModelName> ParseModelName(absl::string_view text, absl::string_view field);

// "champion" or "candidate".
bool IsModelAlias(absl::string_view text);

// A version as it is written in names and directories: from 1 on, without sign or leading zeros. nullopt for any other text.
std::optional<int> ParseModelVersion(absl::string_view text);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_NAME_H_
