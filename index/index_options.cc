#include "index/index_options.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_macros.h"
#include "common/threads/thread_pool.h"

namespace semblance::index {
namespace {

absl::Status ValidateRange(absl::string_view name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(name, " is ", value, ", not in [", low, ", ", high, "]"));
}

}  // namespace

absl::Status SegmentedIndexOptions::Validate() const {
  SEMBLANCE_RETURN_IF_ERROR(ValidateRange("dimension", dimension, 1, 4096));
  SEMBLANCE_RETURN_IF_ERROR(ValidateRange("seal_rows", seal_rows, 1, 1 << 24));
  SEMBLANCE_RETURN_IF_ERROR(ValidateRange("hnsw_ef_construction", hnsw_ef_construction, 4, 4096));
  if (!(target_recall >= 0.5 && target_recall <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("target_recall is ", target_recall, "; it must be between 0.5 and 1"));
  }
  if (memory_budget_bytes < 0) {
    return absl::InvalidArgumentError(absl::StrCat("memory_budget_bytes is ", memory_budget_bytes, "; it must not be negative"));
  }
  SEMBLANCE_RETURN_IF_ERROR(ValidateIndexSpec(spec, dimension));
  return ValidateRange("build_threads", build_threads, 0, 1024);
}

int SegmentedIndexOptions::EffectiveBuildThreads() const {
  return build_threads > 0 ? build_threads : std::max(1, CoreCount() / 2);
}

int64_t SegmentedIndexOptions::EffectiveMemoryBudgetBytes() const {
  return memory_budget_bytes > 0 ? memory_budget_bytes : int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE) / 2;
}

}  // namespace semblance::index
