// Converts between RPC messages and the engine's types. Thread-safe: functions without state.
#ifndef SEMBLANCE_SERVICE_RPC_CONVERT_H_
#define SEMBLANCE_SERVICE_RPC_CONVERT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/map.h"
#include "google/protobuf/timestamp.pb.h"
#include "semblance/v1/catalog_service.pb.h"
#include "semblance/v1/common.pb.h"
#include "semblance/v1/search_service.pb.h"
#include "service/engine/types.h"

namespace semblance::service {

// The query refers to the image bytes of the message, so the message must outlive it.
Query FromProto(const v1::Query& query);

// Errors: InvalidArgument/INVALID_ATTRIBUTE, field "attributes[key]", for an attribute whose kind is not set.
absl::StatusOr<catalog::ItemWrite> FromProto(const v1::Item& item);

void ToProto(const Provenance& provenance, v1::Provenance* proto);
void ToProto(const LatencyBreakdown& latency, v1::Latency* proto);
void ToProto(const catalog::Attributes& attributes, google::protobuf::Map<std::string, v1::AttributeValue>* proto);
void ToProto(const catalog::CatalogItem& item, v1::Item* proto);
void ToProto(const std::vector<FoundItem>& found, bool include_attributes, v1::SearchResult* proto);
void ToProto(absl::Time time, google::protobuf::Timestamp* proto);
void ToProto(absl::Duration duration, google::protobuf::Duration* proto);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_CONVERT_H_
