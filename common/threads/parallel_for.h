// Loops whose pieces of work run on several threads at once.
//
// Thread-safe: functions without state. The calling thread takes part, so `threads` counts it, and one thread means that none is
// started. New threads have the caller's priority. REQUIRES: threads >= 1; the body does not throw.
#ifndef SEMBLANCE_COMMON_THREADS_PARALLEL_FOR_H_
#define SEMBLANCE_COMMON_THREADS_PARALLEL_FOR_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace semblance {

// Calls body(i) for every i in [0, count), on at most `threads` threads, in no particular order. After a failure no further piece
// is begun. Returns the error of the smallest i that failed, which does not depend on the threads.
absl::Status ParallelFor(int threads, int64_t count, absl::FunctionRef<absl::Status(int64_t)> body);

// Calls body(0) to body(threads - 1) at the same time, each on a thread of its own, and returns when all have returned. For loops
// whose threads have state of their own.
void RunOnThreads(int threads, absl::FunctionRef<void(int)> body);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_PARALLEL_FOR_H_
