#include "common/threads/condition.h"

#include <chrono>

namespace semblance {
namespace {

// The sum of a longer limit and a clock's time could overflow.
constexpr absl::Duration kLongestLimit = absl::Hours(24 * 365);

}  // namespace

bool Condition::Wait(Mutex& mutex, const std::stop_token& stop, absl::FunctionRef<bool()> is_true) {
  return changed_.wait(mutex, stop, is_true);
}

bool Condition::WaitUntil(Mutex& mutex, const std::stop_token& stop, absl::Time deadline, absl::FunctionRef<bool()> is_true) {
  if (deadline == absl::InfiniteFuture()) {
    return Wait(mutex, stop, is_true);
  }
  return changed_.wait_until(mutex, stop, absl::ToChronoTime(deadline), is_true);
}

bool Condition::WaitFor(Mutex& mutex, const std::stop_token& stop, absl::Duration limit, absl::FunctionRef<bool()> is_true) {
  if (limit > kLongestLimit) {
    return Wait(mutex, stop, is_true);
  }
  return changed_.wait_until(mutex, stop, std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limit), is_true);
}

}  // namespace semblance
