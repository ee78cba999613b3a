// Vectors for measurements, and their true nearest neighbours.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_BENCH_INDEX_BENCH_DATA_H_
#define SEMBLANCE_BENCH_INDEX_BENCH_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace semblance::bench {

inline constexpr int kTopK = 10;
inline constexpr int kQueries = 1000;

// Unit vectors, row-major.
struct BenchData {
  int dimension = 0;
  std::vector<float> base;
  std::vector<float> queries;
  // The row numbers of the kTopK nearest rows, query by query.
  std::vector<int64_t> truth;

  int64_t rows() const { return static_cast<int64_t>(base.size()) / dimension; }
  absl::Span<const float> row(int64_t row) const { return absl::MakeConstSpan(base).subspan(row * dimension, dimension); }
  absl::Span<const float> query(int64_t query) const { return absl::MakeConstSpan(queries).subspan(query * dimension, dimension); }
};

// Makes Gaussian clusters on the sphere, with 50 rows each. A row is a random unit vector plus noise of about the same length. The
// queries are further members of the clusters. Equal arguments give equal data.
absl::StatusOr<BenchData> MakeClusters(int dimension, int64_t rows);

// Embeds the images of a data set with a model bundle. kQueries of the embeddings are the queries.
absl::StatusOr<BenchData> EmbedDataset(const std::string& bundle, const std::string& dataset);

// Returns the share of the true neighbors among `found`, which has kTopK row numbers for each query.
double Recall(const BenchData& data, const std::vector<int64_t>& found);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_INDEX_BENCH_DATA_H_
