// Searches sent to a server for a while, and how it answered them.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_CLI_CLIENT_LOAD_RUN_H_
#define SEMBLANCE_CLI_CLIENT_LOAD_RUN_H_

#include <grpcpp/channel.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cli/client/rpc_error.h"

namespace semblance::cli {

// An image to search with.
struct LoadQuery {
  std::string image;
  // Left out of the answer; empty: nothing is.
  std::string item_id;
  // Of a right nearest neighbour; empty: not known.
  std::string label;
};

struct LoadOptions {
  // Above 0: searches a second. Each is sent when it is due, however many are not answered yet, and its latency counts from then.
  // 0: a client sends its next search when the last one is answered.
  double rate = 0;
  // Clients, without a rate; default 4.
  int concurrency = 4;
  int top_k = 10;
  // For one search; default 60 s.
  absl::Duration timeout = absl::Seconds(60);
  // How long searches are sent; default: until the stop.
  absl::Duration duration = absl::InfiniteDuration();
  // Ends the sending early.
  std::stop_token stop;
};

// The answers of one generation.
struct GenerationLoad {
  std::string model;
  // In milliseconds, in the order of the answers.
  std::vector<double> latencies_ms;
  // Of those whose query has a label: how many there are, and for how many the nearest neighbour has it, too.
  int64_t labeled = 0;
  int64_t right = 0;
};

// Searches that failed for the same reason, and what the first of them said.
struct LoadFailure {
  int64_t count = 0;
  RpcError error;
};

struct LoadReport {
  int64_t requests = 0;
  int64_t failed_requests = 0;
  absl::Duration elapsed;
  // By the generation's id.
  std::map<std::string, GenerationLoad> generations;
  // By the server's reason, or gRPC's code where it gives none.
  std::map<std::string, LoadFailure> failures;

  std::vector<double> LatenciesMs() const;
};

// Called with the numbers of searches that were sent and that failed so far, at least ten times a second while searches are sent.
using LoadProgress = std::function<void(int64_t requests, int64_t failed)>;

// Sends the queries in turn, over and over, and returns when every search is answered. Nothing is tried again. REQUIRES: a query.
LoadReport RunLoad(const std::shared_ptr<grpc::Channel>& channel, absl::Span<const LoadQuery> queries, const LoadOptions& options,
                   const LoadProgress& progress);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_LOAD_RUN_H_
