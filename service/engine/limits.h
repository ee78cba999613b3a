// Checks requests against the server's limits.
//
// Thread-safe: functions without state.
//
// Errors of the checks: InvalidArgument with the field, a reason, the value and the limit.
#ifndef SEMBLANCE_SERVICE_ENGINE_LIMITS_H_
#define SEMBLANCE_SERVICE_ENGINE_LIMITS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "catalog/catalog.h"
#include "embedder/image/decode.h"
#include "semblance/v1/server_config.pb.h"
#include "service/engine/types.h"

namespace semblance::service {

embedder::DecodeLimits DecodeLimitsOf(const v1::Limits& limits);

// Checks that 1 <= count <= max. Reason: LIMIT_EXCEEDED.
absl::Status CheckCount(absl::string_view field, int64_t count, int64_t max);

// Checks that an id has 1 to max_id_bytes bytes and no control character. Reason: INVALID_ID.
absl::Status CheckItemId(absl::string_view field, absl::string_view id, const v1::Limits& limits);

// Checks everything in a search that needs no generation: the number of queries, their kinds, ids and vectors, top_k and the
// exclusions. The generation checks the dimension of vectors.
absl::Status CheckSearch(const SearchInput& input, const v1::Limits& limits);

// Checks the number of items, that their ids are valid and distinct, and that their labels and attributes are within the limits.
// Images are checked when they are decoded.
absl::Status CheckUpsert(const std::vector<catalog::ItemWrite>& items, const v1::Limits& limits);

// Checks the number of ids, and that they are valid and distinct.
absl::Status CheckIds(const std::vector<std::string>& ids, const v1::Limits& limits);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_LIMITS_H_
