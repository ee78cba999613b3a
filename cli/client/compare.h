// Asks two generations the same queries and collects their answers and images for a comparison.
//
// Not thread-safe: a session makes one call at a time.
#ifndef SEMBLANCE_CLI_CLIENT_COMPARE_H_
#define SEMBLANCE_CLI_CLIENT_COMPARE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/client/session.h"
#include "cli/text/comparison.h"

namespace semblance::cli {

// Returns at most `count` queries, chosen evenly from files, and from the data sets (see dataset/dataset.h) in directories. Only
// examples of data sets have labels. Errors: those of reading; InvalidArgument when the paths name no image.
absl::StatusOr<std::vector<ComparedQuery>> ReadQueries(const std::vector<std::string>& paths, size_t count);

// Does the same with the items of the catalog, in the order of their ids.
grpc::Status SampleCatalog(Session& session, size_t count, std::vector<ComparedQuery>* queries);

struct CompareOptions {
  // The ids of the generations.
  std::array<std::string, 2> generations;
  int top_k = 8;
  // The limit for the sum of the encoded sizes of all images.
  int64_t max_image_bytes = int64_t{64} << 20;
};

// Searches in both generations, scores the answers (see Score), and fetches the images, beginning with the queries whose answers
// differ most. A query that the server refuses, or whose item was deleted, is left out. Errors: any other error of the server;
// INTERNAL when another generation answers than the one that was asked. (A server that is too old to know the field does that.)
grpc::Status Compare(Session& session, const CompareOptions& options, std::vector<ComparedQuery> queries, Comparison* comparison);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_COMPARE_H_
