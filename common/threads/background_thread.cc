#include "common/threads/background_thread.h"

#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>

#include "absl/time/clock.h"

namespace semblance {
namespace {

// "make bench-reload" measured these on two cores at half of their capacity; see docs/benchmarks.md.
constexpr absl::Duration kShortRest = absl::Microseconds(60);
constexpr int kLongRestFactor = 2;
constexpr absl::Duration kLongestRest = absl::Milliseconds(20);

// Counts how often this thread lost its core although it wanted to run.
int64_t Losses() {
  rusage usage = {};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

}  // namespace

void LowerThreadPriority(int niceness) {
  // On Linux each thread has its own niceness.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
}

Rests::Rests() : rested_(absl::Now()), losses_(Losses()) {}

void Rests::BetweenPieces() {
  const absl::Duration worked = absl::Now() - rested_;
  if (worked < kPiece) {
    return;
  }
  const int64_t losses = Losses();
  // The rest is the purpose: it leaves the core to other threads, and nothing could end it early.
  absl::SleepFor(losses == losses_ ? kShortRest : std::min(kLongRestFactor * worked, kLongestRest));
  rested_ = absl::Now();
  losses_ = losses;
}

}  // namespace semblance
