// Uses every test image as a query through the service and keeps score.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_BENCH_DEMO_SEARCH_ALL_H_
#define SEMBLANCE_BENCH_DEMO_SEARCH_ALL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "dataset/dataset.h"

namespace semblance::bench {

// The answer to one query, in the order of the neighbors.
struct SearchOutcome {
  std::vector<std::string> neighbor_ids;
  std::vector<std::string> neighbor_labels;
};

struct SearchReport {
  // The answers by query. The answer to a failed query is empty.
  std::vector<SearchOutcome> outcomes;
  int64_t failed_requests = 0;
  // The share of the queries whose first neighbor has their label.
  double recall_at_1 = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double queries_per_second = 0;
};

// Sends the images of `dataset` at `indices` to the server at `address`, one after the other. Each search excludes the image's own
// id. Errors: the errors of reading images. A request that fails is counted, and the first failures are printed.
absl::StatusOr<SearchReport> SearchAll(const std::string& address, const dataset::Dataset& dataset,
                                       absl::Span<const int64_t> indices, int top_k);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_DEMO_SEARCH_ALL_H_
