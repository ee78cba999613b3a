// The inputs and answers of the engine's use cases. They are plain values, which the RPC layer translates.
#ifndef SEMBLANCE_SERVICE_ENGINE_TYPES_H_
#define SEMBLANCE_SERVICE_ENGINE_TYPES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "service/live/search_answer.h"

namespace semblance::service {

// Receives the answer of a call, once.
template <typename T>
using Callback = std::function<void(absl::StatusOr<T>)>;

// The data that every call brings along.
struct CallContext {
  // Work that has not begun by then ends with DeadlineExceeded.
  absl::Time deadline = absl::InfiniteFuture();
  // Requested when the client has gone.
  std::stop_token cancelled;
  // When the call arrived. Latencies count from here.
  absl::Time start;
};

// An encoded image. The bytes must stay valid until the answer.
struct ImageQuery {
  absl::string_view bytes;
};
struct ItemQuery {
  std::string id;
};
// It is std::monostate when the client set no query.
using Query = std::variant<std::monostate, ImageQuery, VectorQuery, ItemQuery>;

struct SearchInput {
  std::vector<Query> queries;
  // query_fields[i] is the path of queries[i] in the client's request, for errors.
  std::vector<std::string> query_fields;
  int top_k = 0;
  uint64_t min_sequence = 0;
  std::vector<std::string> exclude_item_ids;
  // See SearchRequest.routing_key.
  std::string routing_key;
  // The generation that must answer. When it is empty, the active one or a canary answers.
  std::string generation;
};

struct EmbedAnswer {
  // A unit vector for each image.
  std::vector<std::vector<float>> vectors;
  Provenance provenance;
  LatencyBreakdown latency;
};

struct WriteAnswer {
  // For an upsert: the sequence of each item.
  std::vector<uint64_t> sequences;
  // For a delete: how many items existed, and the ids that did not.
  int64_t deleted_count = 0;
  std::vector<std::string> missing_ids;
  Provenance provenance;
  LatencyBreakdown latency;
};

struct ItemPage {
  std::vector<catalog::CatalogItem> items;
  // Empty on the last page.
  std::string next_page_token;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_TYPES_H_
