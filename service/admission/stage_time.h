// Measures how long requests stay in a stage that they all pass, such as the commit of writes.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_ADMISSION_STAGE_TIME_H_
#define SEMBLANCE_SERVICE_ADMISSION_STAGE_TIME_H_

#include "absl/time/time.h"
#include "common/threads/mutex.h"
#include "common/work_rate.h"

namespace semblance::service {

class StageTime {
 public:
  // A request enters the stage. It must call Leave with the time that it took.
  void Enter() {
    const MutexLock lock(&mutex_);
    ++inside_;
  }
  void Leave(absl::Duration time) {
    const MutexLock lock(&mutex_);
    --inside_;
    times_.Add(1, time);
  }

  // Returns how long the stage takes a request now. It is zero while nobody is inside, so that a request can find out.
  absl::Duration Estimate() const {
    const MutexLock lock(&mutex_);
    return inside_ == 0 ? absl::ZeroDuration() : times_.TimeFor(1);
  }

 private:
  mutable Mutex mutex_;
  int inside_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  WorkRate times_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ADMISSION_STAGE_TIME_H_
