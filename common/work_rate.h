// Estimates how long work takes from the work that was done last. The newest samples count most.
//
// Not thread-safe.
//
// The estimate is a ratio: the mean time of the last samples over their mean amount of work. The unit of work is the caller's, such
// as images or bytes. The weight of a sample halves with about every eleven later ones.
#ifndef SEMBLANCE_COMMON_WORK_RATE_H_
#define SEMBLANCE_COMMON_WORK_RATE_H_

#include "absl/time/time.h"

namespace semblance {

class WorkRate {
 public:
  // Learns that `work` took `time`. REQUIRES: work > 0, time >= 0.
  void Add(double work, absl::Duration time) {
    const double weight = work_ > 0 ? kNewestWeight : 1;
    work_ += weight * (work - work_);
    time_ += weight * (time - time_);
  }

  // Returns the time that `work` will take; zero before the first sample.
  absl::Duration TimeFor(double work) const { return work_ > 0 ? time_ * (work / work_) : absl::ZeroDuration(); }

 private:
  static constexpr double kNewestWeight = 1.0 / 16;

  double work_ = 0;
  absl::Duration time_ = absl::ZeroDuration();
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_WORK_RATE_H_
