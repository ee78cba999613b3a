// The time, behind an interface, so that a test can set it.
//
// Thread-safe.
//
// Code that waits for a moment, or stores when something happened, takes a Clock* in its constructor. The program has one
// SystemClock; tests use tests/testing/fake_clock.h. The clock must outlive those who use it.
#ifndef SEMBLANCE_COMMON_CLOCK_H_
#define SEMBLANCE_COMMON_CLOCK_H_

#include <stop_token>

#include "absl/time/time.h"

namespace semblance {

class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time Now() const = 0;

  // Waits until Now() has reached `time`. Returns false when a stop was requested before that.
  virtual bool WaitUntil(absl::Time time, const std::stop_token& stop) = 0;
};

// The clock of the system.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  bool WaitUntil(absl::Time time, const std::stop_token& stop) override;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_CLOCK_H_
