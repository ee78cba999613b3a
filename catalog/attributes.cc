#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "catalog/catalog.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance::catalog {
namespace {

using Json = nlohmann::json;

absl::Status InvalidAttribute(absl::string_view message) {
  return InvalidField("attributes", v1::ERROR_REASON_INVALID_ATTRIBUTE, message);
}

absl::StatusOr<AttributeValue> ValueFromJson(const std::string& key, const Json& value) {
  switch (value.type()) {
    case Json::value_t::boolean:
      return value.get<bool>();
    case Json::value_t::number_unsigned:
      if (value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        break;
      }
      return value.get<int64_t>();
    case Json::value_t::number_integer:
      return value.get<int64_t>();
    case Json::value_t::number_float:
      return value.get<double>();
    case Json::value_t::string:
      return value.get<std::string>();
    default:
      break;
  }
  return InvalidAttribute(absl::StrCat("the value of \"", key, "\" is neither a boolean, a 64-bit integer, a double nor a string"));
}

}  // namespace

std::string AttributesToJson(const Attributes& attributes) {
  Json object = Json::object();
  for (const auto& [key, value] : attributes) {
    std::visit([&object, &name = key](const auto& v) { object[name] = v; }, value);
  }
  return object.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

absl::StatusOr<Attributes> AttributesFromJson(absl::string_view json) {
  const Json object = Json::parse(json.begin(), json.end(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return InvalidAttribute("attributes are one JSON object");
  }
  Attributes attributes;
  for (const auto& [key, value] : object.items()) {
    SEMBLANCE_ASSIGN_OR_RETURN(AttributeValue decoded, ValueFromJson(key, value));
    attributes.emplace(key, std::move(decoded));
  }
  return attributes;
}

}  // namespace semblance::catalog
