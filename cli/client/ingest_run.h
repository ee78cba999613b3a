// Stores examples of a data set as items: batches, several in flight, with retries.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_CLI_CLIENT_INGEST_RUN_H_
#define SEMBLANCE_CLI_CLIENT_INGEST_RUN_H_

#include <grpcpp/channel.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cli/client/rpc_error.h"
#include "dataset/dataset.h"

namespace semblance::cli {

struct IngestOptions {
  // Items of one request, at most; large images make smaller requests. Default 32.
  int batch_size = 32;
  // Requests in flight; default 4.
  int concurrency = 4;
  // Put before every id.
  std::string id_prefix;
  // For one request, retries not included; default 60 s.
  absl::Duration timeout = absl::Seconds(60);
  // Transient errors are tried again for so long; default 60 s.
  absl::Duration retry_for = absl::Seconds(60);
};

// An image that was not stored.
struct IngestFailure {
  std::string id;
  std::string reason;
  std::string message;
};

struct IngestReport {
  int64_t stored = 0;
  // Images that the server refused or that could not be read; the first hundred in detail.
  int64_t failed_images = 0;
  std::vector<IngestFailure> failures;
  // Calls that failed and were tried again.
  int64_t retries = 0;
  // Calls that failed for good for another reason than their images. The ingest stops at the first.
  int64_t failed_requests = 0;
  RpcError last_error;
};

// `progress` is called with the images done so far and the retries, from one thread at a time.
IngestReport Ingest(const std::shared_ptr<grpc::Channel>& channel, const dataset::Dataset& dataset,
                    absl::Span<const int64_t> indices, const IngestOptions& options,
                    const std::function<void(int64_t done, int64_t retries)>& progress);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_INGEST_RUN_H_
