// The rows of several vectors that lie one after the other, as the batcher and the embedder return them.
#ifndef SEMBLANCE_SERVICE_LIVE_VECTOR_ROWS_H_
#define SEMBLANCE_SERVICE_LIVE_VECTOR_ROWS_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

namespace semblance::service {

// Calls `take` with the number of each row and the row, in order. REQUIRES: dimension >= 1; `vectors` are complete rows.
inline void ForEachRow(absl::Span<const float> vectors, int dimension,
                       absl::FunctionRef<void(size_t, absl::Span<const float>)> take) {
  const auto length = static_cast<size_t>(dimension);
  for (size_t row = 0; row * length < vectors.size(); ++row) {
    take(row, vectors.subspan(row * length, length));
  }
}

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_VECTOR_ROWS_H_
