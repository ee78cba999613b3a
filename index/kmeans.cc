#include "index/kmeans.h"

#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "index/finders/faiss_call.h"

namespace semblance::index {
namespace {

absl::Status ValidateArguments(absl::Span<const float> rows, int dimension, const KMeansOptions& options) {
  if (dimension < 1 || rows.size() % static_cast<size_t>(dimension) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(rows.size(), " floats are not a whole number of rows of ", dimension));
  }
  const size_t count = rows.size() / static_cast<size_t>(dimension);
  if (options.clusters < 1 || static_cast<size_t>(options.clusters) > count) {
    return absl::InvalidArgumentError(absl::StrCat("clusters ", options.clusters, " is not within 1 and the ", count, " rows"));
  }
  if (options.iterations < 1) {
    return absl::InvalidArgumentError(absl::StrCat("iterations ", options.iterations, " is below 1"));
  }
  if (!std::all_of(rows.begin(), rows.end(), [](float value) { return std::isfinite(value); })) {
    return absl::InvalidArgumentError("a value of the rows is not finite");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> KMeansClusters(absl::Span<const float> rows, int dimension, const KMeansOptions& options) {
  SEMBLANCE_RETURN_IF_ERROR(ValidateArguments(rows, dimension, options));
  const auto count = static_cast<int64_t>(rows.size()) / dimension;
  faiss::ClusteringParameters how;
  how.niter = options.iterations;
  how.seed = options.seed;
  how.min_points_per_centroid = 1;                                // The default, 39, makes FAISS warn on standard error.
  how.max_points_per_centroid = std::numeric_limits<int>::max();  // By default FAISS takes a sample.
  std::vector<int64_t> clusters(static_cast<size_t>(count));
  SEMBLANCE_RETURN_IF_ERROR(FaissCall("k-means", [&] {
    faiss::Clustering clustering(dimension, options.clusters, how);
    faiss::IndexFlatL2 assigner(dimension);
    clustering.train(count, rows.data(), assigner);
    assigner.assign(count, rows.data(), clusters.data());
  }));
  return clusters;
}

}  // namespace semblance::index
