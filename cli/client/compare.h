// Asks two generations the same queries and gathers what a comparison shows.
//
// Not thread-safe: one session, one call at a time.
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

// At most `count` queries, evenly chosen from files and from the data sets (see dataset/dataset.h) in directories; only the latter
// have labels. Errors: those of reading; InvalidArgument where the paths name no image.
absl::StatusOr<std::vector<ComparedQuery>> ReadQueries(const std::vector<std::string>& paths, size_t count);

// The same from the items of the catalog, in the order of their ids.
grpc::Status SampleCatalog(Session& session, size_t count, std::vector<ComparedQuery>* queries);

struct CompareOptions {
  // Ids.
  std::array<std::string, 2> generations;
  int top_k = 8;
  // Encoded bytes of all images of a page.
  int64_t max_image_bytes = int64_t{64} << 20;
};

// Searches in both generations, scores (see Score), and fetches the images, those of the biggest differences first. A query that
// the server refuses, or whose item is gone, is left out. Errors: what the server says of the generations and of everything else;
// INTERNAL where it answers from another generation than it was asked for, as a server does that does not know the field.
grpc::Status Compare(Session& session, const CompareOptions& options, std::vector<ComparedQuery> queries, Comparison* comparison);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_COMPARE_H_
