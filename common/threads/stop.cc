#include "common/threads/stop.h"

#include "common/threads/condition.h"
#include "common/threads/mutex.h"

namespace semblance {

bool WaitForStop(const std::stop_token& stop, absl::Duration limit) {
  Mutex mutex;
  Condition never;
  const MutexLock lock(&mutex);
  never.WaitFor(mutex, stop, limit, [] { return false; });
  return stop.stop_requested();
}

LinkedStop::LinkedStop(const std::stop_token& first, const std::stop_token& second)
    : first_(first, Forward{&source_}), second_(second, Forward{&source_}) {}

}  // namespace semblance
