// The libraries that the index is compared with: hnswlib, compiled for this processor, and FAISS as the distribution built it.
//
// Not thread-safe.
#ifndef SEMBLANCE_BENCH_INDEX_COMPARATORS_H_
#define SEMBLANCE_BENCH_INDEX_COMPARATORS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/index/bench_data.h"

namespace semblance::bench {

class Comparator {
 public:
  virtual ~Comparator() = default;

  virtual void SetEf(int ef) = 0;
  // The row numbers of the kTopK nearest rows.
  virtual std::vector<int64_t> Search(absl::Span<const float> query) = 0;
};

struct GraphParameters {
  int m = 16;
  int ef_construction = 200;
};

class HnswlibIndex : public Comparator {
 public:
  // FAISS's HNSW with the same vectors and the same links as hnswlib, so that only the search differs. It uses hnswlib's graph,
  // because FAISS's own build takes several times as long.
  virtual std::unique_ptr<Comparator> WithFaissSearch() const = 0;
};

// Builds hnswlib's graph with one thread. This does not use FAISS.
std::unique_ptr<HnswlibIndex> BuildHnswlib(const BenchData& data, const GraphParameters& parameters);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_INDEX_COMPARATORS_H_
