#include "bench/index/measured_index.h"

#include <malloc.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance::bench {

absl::StatusOr<std::unique_ptr<MeasuredIndex>> MeasuredIndex::Build(const BenchData& data, const std::string& factory,
                                                                    int build_threads) {
  std::unique_ptr<MeasuredIndex> made(new MeasuredIndex);
  made->directory_ = (std::filesystem::temp_directory_path() / "semblance-bench-XXXXXX").string();
  if (::mkdtemp(made->directory_.data()) == nullptr) {
    return absl::UnavailableError("cannot create a temporary directory");
  }
  made->rows_ = data.rows();
  made->options_.dimension = data.dimension;
  SEMBLANCE_ASSIGN_OR_RETURN(made->options_.spec, index::ParseIndexSpec(factory));
  made->options_.seal_rows = static_cast<int>(data.rows());
  made->options_.build_threads = build_threads;
  SEMBLANCE_ASSIGN_OR_RETURN(made->index_, index::SegmentedIndex::Open(made->directory_, made->options_, {}, 0));
  const absl::Time start = absl::Now();
  constexpr int64_t kRowsAtOnce = 4096;
  for (int64_t begin = 0; begin < data.rows(); begin += kRowsAtOnce) {
    std::vector<index::IndexAdd> adds;
    for (int64_t row = begin; row < std::min(data.rows(), begin + kRowsAtOnce); ++row) {
      adds.push_back({static_cast<uint64_t>(row + 1), data.row(row)});
    }
    SEMBLANCE_RETURN_IF_ERROR(made->index_->Apply(adds, {}, adds.back().key));
  }
  SEMBLANCE_RETURN_IF_ERROR(made->index_->Seal());
  made->build_seconds_ = absl::ToDoubleSeconds(absl::Now() - start);
  return made;
}

MeasuredIndex::~MeasuredIndex() {
  index_.reset();
  RemoveAll(directory_).IgnoreError();  // The system removes what is left of a temporary directory.
}

absl::Status MeasuredIndex::Reopen(int seal_rows) {
  index_.reset();
  options_.seal_rows = seal_rows;
  options_.build_threads = 0;  // A server uses the same value.
  std::vector<uint64_t> keys(static_cast<size_t>(rows_));
  std::iota(keys.begin(), keys.end(), 1);
  const int64_t before = AnonymousMemoryBytes();
  const absl::Time start = absl::Now();
  SEMBLANCE_ASSIGN_OR_RETURN(index_, index::SegmentedIndex::Open(directory_, options_, keys, keys.size()));
  open_seconds_ = absl::ToDoubleSeconds(absl::Now() - start);
  memory_bytes_ = AnonymousMemoryBytes() - before;
  return absl::OkStatus();
}

std::vector<int64_t> MeasuredIndex::Search(absl::Span<const float> query, int ef_search) const {
  index::IndexSearchOptions options;
  options.top_k = kTopK;
  options.ef_search = ef_search;
  const absl::StatusOr<index::IndexSearchResult> result = index_->Search(query, options);
  CHECK(result.ok()) << result.status();
  std::vector<int64_t> rows;
  for (const index::ScoredKey& row : result->neighbors[0]) {
    rows.push_back(static_cast<int64_t>(row.key) - 1);
  }
  return rows;
}

int64_t AnonymousMemoryBytes() {
  ::malloc_trim(0);
  const absl::StatusOr<std::string> status = ReadFile("/proc/self/status");
  CHECK(status.ok()) << status.status();
  for (absl::string_view line : absl::StrSplit(*status, '\n')) {
    int64_t kibibytes = 0;
    if (absl::ConsumePrefix(&line, "RssAnon:") && absl::ConsumeSuffix(&line, " kB") && absl::SimpleAtoi(line, &kibibytes)) {
      return kibibytes * 1024;
    }
  }
  return 0;
}

}  // namespace semblance::bench
