// Sends searches to a server for a while, and reports how it answered them.
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
  // The item that the answer leaves out. Empty: none.
  std::string item_id;
  // The label that a right nearest neighbor has. Empty: not known.
  std::string label;
};

struct LoadOptions {
  // Searches a second. Each is sent when it is due, however many are not answered yet, and its latency counts from then. With 0,
  // each client sends its next search when the last one is answered.
  double rate = 0;
  // The number of clients when there is no rate.
  int concurrency = 4;
  int top_k = 10;
  // The deadline of one search.
  absl::Duration timeout = absl::Seconds(60);
  // How long searches are sent. By default they are sent until the stop.
  absl::Duration duration = absl::InfiniteDuration();
  // Ends the sending early.
  std::stop_token stop;
};

// The answers of one generation.
struct GenerationLoad {
  std::string model;
  // The latencies, in the order of the answers.
  std::vector<double> latencies_ms;
  // The number of answers to queries with a label, and the number of those whose nearest neighbor has the same label.
  int64_t labeled = 0;
  int64_t right = 0;
};

// The searches that failed for the same reason, and the error of the first of them.
struct LoadFailure {
  int64_t count = 0;
  RpcError error;
};

struct LoadReport {
  int64_t requests = 0;
  int64_t failed_requests = 0;
  absl::Duration elapsed;
  // The key is the generation's id.
  std::map<std::string, GenerationLoad> generations;
  // The key is the server's reason, or gRPC's code when the server gives none.
  std::map<std::string, LoadFailure> failures;

  std::vector<double> LatenciesMs() const;
};

// Called with the numbers of searches that were sent and that failed so far, at least ten times a second while searches are sent.
using LoadProgress = std::function<void(int64_t requests, int64_t failed)>;

// Sends the queries in turn, over and over. Returns when every search that was sent is answered. Nothing is tried again. REQUIRES:
// at least one query.
LoadReport RunLoad(const std::shared_ptr<grpc::Channel>& channel, absl::Span<const LoadQuery> queries, const LoadOptions& options,
                   const LoadProgress& progress);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_LOAD_RUN_H_
