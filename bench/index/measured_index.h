// A segmented index in a temporary directory, with one sealed segment of all rows.
//
// Not thread-safe, but for Search.
#ifndef SEMBLANCE_BENCH_INDEX_MEASURED_INDEX_H_
#define SEMBLANCE_BENCH_INDEX_MEASURED_INDEX_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/index/bench_data.h"
#include "index/segmented_index.h"

namespace semblance::bench {

class MeasuredIndex {
 public:
  // Builds from all rows: row i has the key i + 1.
  static absl::StatusOr<std::unique_ptr<MeasuredIndex>> Build(const BenchData& data, const std::string& factory, int build_threads);
  ~MeasuredIndex();

  // Closes and opens it again, with growing segments of `seal_rows`.
  absl::Status Reopen(int seal_rows);

  // ef_search 0: as measured when it was sealed.
  std::vector<int64_t> Search(absl::Span<const float> query, int ef_search) const;

  index::SegmentedIndex& index() { return *index_; }
  double build_seconds() const { return build_seconds_; }
  double open_seconds() const { return open_seconds_; }
  // Anonymous memory that the process got by opening the index. REQUIRES: Reopen was called.
  int64_t memory_bytes() const { return memory_bytes_; }

 private:
  MeasuredIndex() = default;

  std::string directory_;
  index::SegmentedIndexOptions options_;
  int64_t rows_ = 0;
  std::unique_ptr<index::SegmentedIndex> index_;
  double build_seconds_ = 0;
  double open_seconds_ = 0;
  int64_t memory_bytes_ = 0;
};

// Anonymous resident memory of the process; what is mapped from files does not count.
int64_t AnonymousMemoryBytes();

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_INDEX_MEASURED_INDEX_H_
