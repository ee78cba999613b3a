// Stores the examples of a data set as items, in batches. Several batches are in flight at once, and transient errors are retried.
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
  // The greatest number of items in one request. Requests with large images have fewer.
  int batch_size = 32;
  // The number of requests in flight.
  int concurrency = 4;
  // The text that is put before every id.
  std::string id_prefix;
  // The deadline of one request. A retry has a deadline of its own.
  absl::Duration timeout = absl::Seconds(60);
  // The time for which a request is tried again after transient errors.
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
  // The number of images that the server refused or that could not be read, and the first hundred of them in detail.
  int64_t failed_images = 0;
  std::vector<IngestFailure> failures;
  // The number of calls that failed and were tried again.
  int64_t retries = 0;
  // The number of calls that failed for good, for a reason other than their images. The first such failure ends the ingest.
  int64_t failed_requests = 0;
  RpcError last_error;
};

// Calls `progress` with the images done so far and the retries, from one thread at a time.
IngestReport Ingest(const std::shared_ptr<grpc::Channel>& channel, const dataset::Dataset& dataset,
                    absl::Span<const int64_t> indices, const IngestOptions& options,
                    const std::function<void(int64_t done, int64_t retries)>& progress);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_INGEST_RUN_H_
