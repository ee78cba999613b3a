// A loop over independent pieces of work on several threads.
#ifndef SEMBLANCE_TRAINER_DATA_PARALLEL_FOR_H_
#define SEMBLANCE_TRAINER_DATA_PARALLEL_FOR_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace semblance::trainer {

// Calls body(i) for every i in [0, count), on `threads` threads, in no order. Returns the error of the smallest i that failed,
// which does not depend on the threads; work that had not started by then is not done. REQUIRES: threads >= 1; `body` does not
// throw.
absl::Status ParallelFor(int threads, int64_t count, absl::FunctionRef<absl::Status(int64_t)> body);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_PARALLEL_FOR_H_
