// The values that a search in a generation works with: its queries, the items found, and where an answer comes from.
#ifndef SEMBLANCE_SERVICE_LIVE_SEARCH_ANSWER_H_
#define SEMBLANCE_SERVICE_LIVE_SEARCH_ANSWER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "catalog/catalog.h"

namespace semblance::service {

// The state that an answer comes from.
struct Provenance {
  std::string generation;
  std::string model;
  std::string embedding_space_id;
  uint64_t applied_sequence = 0;
};

// How long the stages of a request took. A stage that the request did not need is zero.
struct LatencyBreakdown {
  absl::Duration decode = absl::ZeroDuration();
  absl::Duration queue = absl::ZeroDuration();
  absl::Duration infer = absl::ZeroDuration();
  absl::Duration search = absl::ZeroDuration();
  absl::Duration total = absl::ZeroDuration();
};

// A vector that the client got from Embed or Search, and the space that it lives in.
struct VectorQuery {
  std::vector<float> values;
  std::string embedding_space_id;
};

// A query that is ready to be searched.
struct PreparedQuery {
  // The vector has unit length.
  std::vector<float> vector;
  // It is set when the query is a stored item. The answer leaves that item out.
  std::optional<std::string> item_id;
};

struct GenerationSearch {
  std::vector<PreparedQuery> queries;
  int top_k = 0;
  std::vector<std::string> exclude_item_ids;

  // How many rows the index is asked for. It is more than top_k, because the answer leaves out the excluded items and the query's
  // own item.
  int index_top_k() const { return top_k + static_cast<int>(exclude_item_ids.size()) + 1; }
};

// The part of an item that a search returns. It is immutable, and shared with the generation that found it.
struct ItemRecord {
  uint64_t sequence = 0;
  std::string id;
  std::optional<std::string> label;
  catalog::Attributes attributes;
  // Identifies its image; see embedder/bundle/trained_images.h.
  uint64_t image_key = 0;
};

struct FoundItem {
  std::shared_ptr<const ItemRecord> item;
  // Cosine similarity, in [-1, 1] up to rounding.
  float score = 0;
};

struct SearchAnswer {
  // A list for each query, by descending score.
  std::vector<std::vector<FoundItem>> results;
  Provenance provenance;
  LatencyBreakdown latency;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_SEARCH_ANSWER_H_
