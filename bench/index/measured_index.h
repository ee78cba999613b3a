// A segmented index in a temporary directory, with one sealed segment of all rows.
//
// Not thread-safe, except for Search.
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
  // Builds the index from all rows. Row i has the key i + 1.
  static absl::StatusOr<std::unique_ptr<MeasuredIndex>> Build(const BenchData& data, const std::string& factory, int build_threads);
  ~MeasuredIndex();

  // Closes the index and opens it again, with growing segments of `seal_rows`.
  absl::Status Reopen(int seal_rows);

  // With ef_search = 0, uses the effort that was measured when the segment was sealed.
  std::vector<int64_t> Search(absl::Span<const float> query, int ef_search) const;

  index::SegmentedIndex& index() { return *index_; }
  double build_seconds() const { return build_seconds_; }
  double open_seconds() const { return open_seconds_; }
  // Returns the anonymous memory that opening the index added to the process. REQUIRES: Reopen was called.
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

// Returns the anonymous resident memory of the process. Mapped files do not count.
int64_t AnonymousMemoryBytes();

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_INDEX_MEASURED_INDEX_H_
