#include "service/engine/limits.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

constexpr int kMaxAttributeKeyBytes = 64;
constexpr size_t kMaxRoutingKeyBytes = 128;

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

absl::Status CheckVector(const VectorQuery& query, absl::string_view field) {
  const std::string values = absl::StrCat(field, ".embedding.values");
  if (query.embedding_space_id.empty()) {
    return InvalidField(absl::StrCat(field, ".embedding.embedding_space_id"), v1::ERROR_REASON_EMBEDDING_SPACE_MISSING,
                        "a query vector needs the embedding_space_id that it was answered with");
  }
  double squared_norm = 0;
  for (size_t i = 0; i < query.values.size(); ++i) {
    if (!std::isfinite(query.values[i])) {
      return InvalidField(values, v1::ERROR_REASON_INVALID_VECTOR,
                          absl::StrCat("component ", i, " is ", query.values[i], "; components must be finite"));
    }
    squared_norm += double{query.values[i]} * query.values[i];
  }
  if (squared_norm == 0) {
    return InvalidField(values, v1::ERROR_REASON_INVALID_VECTOR,
                        query.values.empty() ? "the vector is empty" : "the zero vector has no direction");
  }
  return absl::OkStatus();
}

absl::Status CheckQuery(const Query& query, const std::string& field, const v1::Limits& limits) {
  if (std::holds_alternative<std::monostate>(query)) {
    return InvalidField(field, v1::ERROR_REASON_QUERY_MISSING, "set one of image, embedding or item_id");
  }
  if (const auto* vector = std::get_if<VectorQuery>(&query)) {
    return CheckVector(*vector, field);
  }
  if (const auto* item = std::get_if<ItemQuery>(&query)) {
    return CheckItemId(absl::StrCat(field, ".item_id"), item->id, limits);
  }
  return absl::OkStatus();  // Images are checked by decoding them.
}

absl::Status CheckAttributes(const catalog::Attributes& attributes, const std::string& field, const v1::Limits& limits) {
  for (const auto& [key, value] : attributes) {
    if (key.empty() || key.size() > kMaxAttributeKeyBytes || HasControlCharacter(key)) {
      return InvalidField(field, v1::ERROR_REASON_INVALID_ATTRIBUTE,
                          absl::StrCat("a key has ", key.size(), " bytes or a control character; keys have 1 to ",
                                       kMaxAttributeKeyBytes, " printable bytes"));
    }
    const double* number = std::get_if<double>(&value);
    if (number != nullptr && !std::isfinite(*number)) {
      return InvalidField(absl::StrCat(field, "[", key, "]"), v1::ERROR_REASON_INVALID_ATTRIBUTE,
                          absl::StrCat("the value is ", *number, "; it must be finite"));
    }
  }
  const size_t size = attributes.empty() ? 0 : catalog::AttributesToJson(attributes).size();
  if (size > static_cast<size_t>(limits.max_attribute_bytes())) {
    return InvalidField(field, v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("the attributes take ", size, " bytes; the limit is ", limits.max_attribute_bytes()));
  }
  return absl::OkStatus();
}

absl::Status CheckItem(const catalog::ItemWrite& item, const std::string& field, const v1::Limits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckItemId(absl::StrCat(field, ".id"), item.id, limits));
  if (item.label.has_value() && item.label->size() > static_cast<size_t>(limits.max_label_bytes())) {
    return InvalidField(absl::StrCat(field, ".label"), v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("the label has ", item.label->size(), " bytes; the limit is ", limits.max_label_bytes()));
  }
  return CheckAttributes(item.attributes, absl::StrCat(field, ".attributes"), limits);
}

absl::Status DuplicateId(const std::string& field, absl::string_view id) {
  return InvalidField(field, v1::ERROR_REASON_DUPLICATE_ID, absl::StrCat("\"", id, "\" occurs twice in one request"));
}

}  // namespace

embedder::DecodeLimits DecodeLimitsOf(const v1::Limits& limits) {
  return {.max_bytes = limits.max_image_bytes(), .max_pixels = limits.max_image_pixels(), .max_side = limits.max_image_side()};
}

absl::Status CheckCount(absl::string_view field, int64_t count, int64_t max) {
  if (count >= 1 && count <= max) {
    return absl::OkStatus();
  }
  return InvalidField(field, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      absl::StrCat(field, " is ", count, "; it must be between 1 and ", max));
}

absl::Status CheckItemId(absl::string_view field, absl::string_view id, const v1::Limits& limits) {
  if (id.empty() || id.size() > static_cast<size_t>(limits.max_id_bytes())) {
    return InvalidField(field, v1::ERROR_REASON_INVALID_ID,
                        absl::StrCat("the id has ", id.size(), " bytes; it must have between 1 and ", limits.max_id_bytes()));
  }
  if (HasControlCharacter(id)) {
    return InvalidField(field, v1::ERROR_REASON_INVALID_ID, "the id contains a control character");
  }
  return absl::OkStatus();
}

absl::Status CheckSearch(const SearchInput& input, const v1::Limits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckCount("queries", static_cast<int64_t>(input.queries.size()), limits.max_batch_queries()));
  SEMBLANCE_RETURN_IF_ERROR(CheckCount("top_k", input.top_k, limits.max_top_k()));
  if (!input.exclude_item_ids.empty()) {
    SEMBLANCE_RETURN_IF_ERROR(
        CheckCount("exclude_item_ids", static_cast<int64_t>(input.exclude_item_ids.size()), limits.max_excluded_items()));
  }
  if (input.routing_key.size() > kMaxRoutingKeyBytes) {
    return InvalidField("routing_key", v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("routing_key has ", input.routing_key.size(), " bytes; at most ", kMaxRoutingKeyBytes));
  }
  for (size_t i = 0; i < input.queries.size(); ++i) {
    SEMBLANCE_RETURN_IF_ERROR(CheckQuery(input.queries[i], input.query_fields[i], limits));
  }
  return absl::OkStatus();
}

absl::Status CheckUpsert(const std::vector<catalog::ItemWrite>& items, const v1::Limits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckCount("items", static_cast<int64_t>(items.size()), limits.max_write_items()));
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string field = absl::StrCat("items[", i, "]");
    SEMBLANCE_RETURN_IF_ERROR(CheckItem(items[i], field, limits));
    if (!seen.insert(items[i].id).second) {
      return DuplicateId(absl::StrCat(field, ".id"), items[i].id);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIds(const std::vector<std::string>& ids, const v1::Limits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckCount("ids", static_cast<int64_t>(ids.size()), limits.max_write_items()));
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string field = absl::StrCat("ids[", i, "]");
    SEMBLANCE_RETURN_IF_ERROR(CheckItemId(field, ids[i], limits));
    if (!seen.insert(ids[i]).second) {
      return DuplicateId(field, ids[i]);
    }
  }
  return absl::OkStatus();
}

}  // namespace semblance::service
