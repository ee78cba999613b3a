#include "service/rpc/convert.h"

#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace semblance::service {
namespace {

v1::AttributeValue ToProto(const catalog::AttributeValue& value) {
  v1::AttributeValue proto;
  std::visit(
      [&proto](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, bool>) {
          proto.set_bool_value(held);
        } else if constexpr (std::is_same_v<Held, int64_t>) {
          proto.set_int_value(held);
        } else if constexpr (std::is_same_v<Held, double>) {
          proto.set_double_value(held);
        } else {
          proto.set_string_value(held);
        }
      },
      value);
  return proto;
}

absl::StatusOr<catalog::AttributeValue> FromProto(const std::string& key, const v1::AttributeValue& value) {
  switch (value.kind_case()) {
    case v1::AttributeValue::kStringValue:
      return catalog::AttributeValue(value.string_value());
    case v1::AttributeValue::kIntValue:
      return catalog::AttributeValue(int64_t{value.int_value()});
    case v1::AttributeValue::kDoubleValue:
      return catalog::AttributeValue(value.double_value());
    case v1::AttributeValue::kBoolValue:
      return catalog::AttributeValue(value.bool_value());
    case v1::AttributeValue::KIND_NOT_SET:
      break;
  }
  return InvalidField(absl::StrCat("attributes[", key, "]"), v1::ERROR_REASON_INVALID_ATTRIBUTE, "the attribute has no value");
}

}  // namespace

Query FromProto(const v1::Query& query) {
  switch (query.kind_case()) {
    case v1::Query::kImage:
      return ImageQuery{.bytes = query.image()};
    case v1::Query::kEmbedding:
      return VectorQuery{.values = {query.embedding().values().begin(), query.embedding().values().end()},
                         .embedding_space_id = query.embedding().embedding_space_id()};
    case v1::Query::kItemId:
      return ItemQuery{.id = query.item_id()};
    case v1::Query::KIND_NOT_SET:
      break;
  }
  return std::monostate();
}

absl::StatusOr<catalog::ItemWrite> FromProto(const v1::Item& item) {
  catalog::ItemWrite write{.id = item.id(), .image = item.image(), .label = std::nullopt, .attributes = {}};
  if (item.has_label()) {
    write.label = item.label();
  }
  for (const auto& [key, value] : item.attributes()) {
    absl::StatusOr<catalog::AttributeValue> attribute = FromProto(key, value);
    if (!attribute.ok()) {
      return attribute.status();
    }
    write.attributes[key] = *std::move(attribute);
  }
  return write;
}

void ToProto(const Provenance& provenance, v1::Provenance* proto) {
  proto->set_generation(provenance.generation);
  proto->set_model(provenance.model);
  proto->set_embedding_space_id(provenance.embedding_space_id);
  proto->set_applied_sequence(provenance.applied_sequence);
}

void ToProto(const LatencyBreakdown& latency, v1::Latency* proto) {
  const auto set = [](absl::Duration duration, auto mutable_field) {
    if (duration > absl::ZeroDuration()) {
      ToProto(duration, mutable_field());
    }
  };
  set(latency.decode, [&] { return proto->mutable_decode(); });
  set(latency.queue, [&] { return proto->mutable_queue(); });
  set(latency.infer, [&] { return proto->mutable_infer(); });
  set(latency.search, [&] { return proto->mutable_search(); });
  set(latency.total, [&] { return proto->mutable_total(); });
}

void ToProto(const catalog::Attributes& attributes, google::protobuf::Map<std::string, v1::AttributeValue>* proto) {
  for (const auto& [key, value] : attributes) {
    (*proto)[key] = ToProto(value);
  }
}

void ToProto(const catalog::CatalogItem& item, v1::Item* proto) {
  proto->set_id(item.id);
  if (item.label.has_value()) {
    proto->set_label(*item.label);
  }
  ToProto(item.attributes, proto->mutable_attributes());
  proto->set_sequence(item.sequence);
  ToProto(item.update_time, proto->mutable_update_time());
  proto->set_image_digest(absl::StrCat("sha256:", item.image_sha256));
}

void ToProto(const std::vector<FoundItem>& found, bool include_attributes, v1::SearchResult* proto) {
  for (const FoundItem& neighbor : found) {
    v1::Neighbor* out = proto->add_neighbors();
    out->set_item_id(neighbor.item->id);
    out->set_score(neighbor.score);
    if (neighbor.item->label.has_value()) {
      out->set_label(*neighbor.item->label);
    }
    if (include_attributes) {
      ToProto(neighbor.item->attributes, out->mutable_attributes());
    }
  }
}

void ToProto(absl::Time time, google::protobuf::Timestamp* proto) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto->set_seconds(seconds);
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void ToProto(absl::Duration duration, google::protobuf::Duration* proto) {
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

}  // namespace semblance::service
