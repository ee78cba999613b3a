#include "index/exact_search.h"

#include <faiss/utils/Heap.h>
#include <faiss/utils/distances.h>

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "index/finders/faiss_call.h"

namespace semblance::index {
namespace {

absl::Status ValidateArguments(absl::Span<const float> queries, absl::Span<const float> base, int dimension, int k) {
  if (dimension < 1 || k < 1) {
    return absl::InvalidArgumentError(absl::StrCat("dimension ", dimension, " and k ", k, " must be at least 1"));
  }
  for (const size_t size : {queries.size(), base.size()}) {
    if (size % static_cast<size_t>(dimension) != 0) {
      return absl::InvalidArgumentError(absl::StrCat(size, " floats are not a whole number of rows of ", dimension));
    }
  }
  return absl::OkStatus();
}

// FAISS does not define the order of equal scores.
void OrderTiesByIndex(absl::Span<int64_t> indices, absl::Span<const float> scores) {
  for (size_t begin = 0, end = 0; begin < indices.size(); begin = end) {
    for (end = begin + 1; end < indices.size() && scores[end] == scores[begin]; ++end) {
    }
    std::sort(indices.begin() + begin, indices.begin() + end);
  }
}

}  // namespace

absl::StatusOr<ExactNeighbors> ExactSearch(absl::Span<const float> queries, absl::Span<const float> base, int dimension, int k) {
  SEMBLANCE_RETURN_IF_ERROR(ValidateArguments(queries, base, dimension, k));
  const size_t query_count = queries.size() / dimension;
  const size_t base_count = base.size() / dimension;
  ExactNeighbors result;
  result.k = k;
  result.indices.assign(query_count * k, -1);
  result.scores.assign(query_count * k, -std::numeric_limits<float>::infinity());
  if (query_count == 0 || base_count == 0) {
    return result;
  }
  const size_t found = std::min<size_t>(k, base_count);
  std::vector<int64_t> indices(query_count * found);
  std::vector<float> scores(query_count * found);
  faiss::float_minheap_array_t heaps = {query_count, found, indices.data(), scores.data()};
  SEMBLANCE_RETURN_IF_ERROR(FaissCall(
      "exact search", [&] { faiss::knn_inner_product(queries.data(), base.data(), dimension, query_count, base_count, &heaps); }));
  for (size_t query = 0; query < query_count; ++query) {
    OrderTiesByIndex(absl::MakeSpan(indices).subspan(query * found, found),
                     absl::MakeConstSpan(scores).subspan(query * found, found));
    std::copy_n(indices.begin() + query * found, found, result.indices.begin() + query * k);
    std::copy_n(scores.begin() + query * found, found, result.scores.begin() + query * k);
  }
  return result;
}

}  // namespace semblance::index
