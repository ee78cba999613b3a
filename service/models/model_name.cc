#include "service/models/model_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "embedder/bundle/manifest.h"

namespace semblance::service {

absl::StatusOr<ModelName> ParseModelName(absl::string_view text, absl::string_view field) {
  const size_t separator = std::min(text.find_first_of("/@"), text.size());
  ModelName result;
  result.name = std::string(text.substr(0, separator));
  bool valid = embedder::IsModelName(result.name);
  if (separator < text.size()) {
    const absl::string_view rest = text.substr(separator + 1);
    if (text[separator] == '/') {
      result.version = ParseModelVersion(rest);
      valid = valid && result.version.has_value();
    } else {
      result.alias = std::string(rest);
      valid = valid && IsModelAlias(rest);
    }
  }
  if (!valid) {
    return InvalidField(field, v1::ERROR_REASON_INVALID_MODEL_NAME,
                        absl::StrCat("\"", text,
                                     "\" names no model; one is named like shoes, shoes/3 or shoes@champion "
                                     "(aliases: champion, candidate)"));
  }
  return result;
}

bool IsModelAlias(absl::string_view text) {
  return text == "champion" || text == "candidate";
}

std::optional<int> ParseModelVersion(absl::string_view text) {
  int version = 0;
  if (text.empty() || !std::all_of(text.begin(), text.end(), absl::ascii_isdigit) || text[0] == '0' ||
      !absl::SimpleAtoi(text, &version)) {
    return std::nullopt;
  }
  return version;
}

}  // namespace semblance::service
