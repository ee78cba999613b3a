#include "index/validation.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace semblance::index {
namespace {

absl::Status ValidateFloats(absl::Span<const float> values) {
  const bool finite = std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  return finite ? absl::OkStatus() : absl::InvalidArgumentError("a component of a vector is not finite");
}

}  // namespace

absl::Status ValidateVectors(absl::Span<const IndexAdd> adds, int dimension) {
  for (const IndexAdd& add : adds) {
    if (add.vector.size() != static_cast<size_t>(dimension)) {
      return absl::InvalidArgumentError(
          absl::StrCat("key ", add.key, ": a vector of dimension ", add.vector.size(), ", not ", dimension));
    }
    SEMBLANCE_RETURN_IF_ERROR(ValidateFloats(add.vector));
  }
  return absl::OkStatus();
}

absl::Status ValidateStep(absl::Span<const IndexAdd> adds, absl::Span<const IndexDelete> deletes, uint64_t applied,
                          uint64_t sequence) {
  uint64_t last = applied;
  for (const IndexAdd& add : adds) {
    if (add.key <= last) {
      return absl::InvalidArgumentError(absl::StrCat("key ", add.key, " comes after ", last, "; keys must ascend"));
    }
    last = add.key;
  }
  for (const IndexDelete& one : deletes) {
    if (one.at <= applied) {
      return absl::InvalidArgumentError(absl::StrCat("a deletion at ", one.at, ", but ", applied, " is applied already"));
    }
    last = std::max(last, one.at);
  }
  if (sequence < last) {
    return absl::InvalidArgumentError(absl::StrCat("sequence ", sequence, " is less than ", last));
  }
  return absl::OkStatus();
}

absl::Status ValidateLiveKeys(absl::Span<const uint64_t> keys, uint64_t sequence) {
  const bool ascending = std::adjacent_find(keys.begin(), keys.end(), std::greater_equal<>()) == keys.end();
  if (!ascending || (!keys.empty() && keys.back() > sequence)) {
    return absl::InvalidArgumentError(absl::StrCat("live_keys must ascend and end at or before sequence ", sequence));
  }
  return absl::OkStatus();
}

absl::Status ValidateSearch(absl::Span<const float> queries, const IndexSearchOptions& options, int dimension) {
  if (queries.empty() || queries.size() % dimension != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("queries of ", queries.size(), " floats: not one or more rows of dimension ", dimension));
  }
  if (options.top_k < 1 || options.ef_search < 0 || options.nprobe < 0) {
    return absl::InvalidArgumentError(absl::StrCat("top_k is ", options.top_k, " (at least 1), ef_search ", options.ef_search,
                                                   ", nprobe ", options.nprobe, " (at least 0)"));
  }
  return ValidateFloats(queries);
}

}  // namespace semblance::index
