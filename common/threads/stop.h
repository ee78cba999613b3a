// Helpers for std::stop_token, which is how work in this project is asked to stop.
//
// A function that can be stopped takes a `const std::stop_token&`; an empty token never stops. The work returns soon after the stop
// was requested, usually with Cancelled.
#ifndef SEMBLANCE_COMMON_THREADS_STOP_H_
#define SEMBLANCE_COMMON_THREADS_STOP_H_

#include <stop_token>

#include "absl/time/time.h"

namespace semblance {

// Waits until a stop is requested, but not longer than `limit`. True when the stop is requested. Thread-safe. REQUIRES: one of the
// two can happen.
bool WaitForStop(const std::stop_token& stop, absl::Duration limit = absl::InfiniteDuration());

// A stop that is requested when either of two others is. Its token stays valid, but hears of no later request, when the LinkedStop
// is gone. Thread-safe.
class LinkedStop {
 public:
  LinkedStop(const std::stop_token& first, const std::stop_token& second);
  LinkedStop(const LinkedStop&) = delete;
  LinkedStop& operator=(const LinkedStop&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  struct Forward {
    void operator()() const { source->request_stop(); }
    std::stop_source* source;
  };

  std::stop_source source_;
  std::stop_callback<Forward> first_;
  std::stop_callback<Forward> second_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_STOP_H_
