// The requests that wait for the threads of one lane: which are admitted, and which one runs next. This is the policy of a
// RequestLane without its threads.
//
// Not thread-safe: the lane calls it under its lock. The current time is an argument, so that tests can simulate hours of load.
//
// A request is admitted only if it can be answered in time. The queue measures how long work takes and estimates from that
//   the wait     until the request's turn comes, which is the longer of the wait for a thread and the wait for the steps after the
//                lane, and
//   the end      when the request is answered, which is the wait and the request's own work.
// The wait may take half of the time that the request has left, and the end must come within nine tenths of it. What is left over
// makes up for errors of the estimate. A request that finds the lane and the later steps idle is always admitted: its run corrects
// a wrong estimate.
//
// Requests run in the order of their arrival, as long as the oldest has used less than three quarters of its time. After that the
// newest runs first, because the older ones would all be answered just too late. A request that is expired, cancelled, or cannot be
// finished before its deadline is dropped before it runs.
#ifndef SEMBLANCE_SERVICE_ADMISSION_LANE_QUEUE_H_
#define SEMBLANCE_SERVICE_ADMISSION_LANE_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/work_rate.h"

namespace semblance::service {

// How much work a request is.
struct LaneWork {
  // The work on a thread of the lane, in a unit that all requests of the lane share. REQUIRES: cost > 0.
  double cost = 1;
  // How many images the request hands on to the steps after the lane.
  int images = 0;
  // Returns how long the later steps take when they get `images` more images than they have. Empty when there are no later steps.
  // It must be quick, and valid as long as the request waits.
  std::function<absl::Duration(int images)> later = nullptr;
};

struct LaneRequest {
  LaneWork work;
  absl::Time arrival;
  absl::Time deadline = absl::InfiniteFuture();
  // Requested when the client has gone.
  std::stop_token cancelled;
  // Exactly one of the two is called.
  std::function<void()> run;
  std::function<void(const absl::Status&)> refuse;
};

// A request that will not run, and why.
struct Refusal {
  LaneRequest request;
  absl::Status status;
};

struct LaneOptions {
  int threads = 1;
  // How many requests may wait.
  size_t max_queued = 1024;
  // The longest wait that any request is admitted to, whatever its deadline. It bounds the work that a shutdown finds.
  absl::Duration max_wait = absl::InfiniteDuration();
};

class LaneQueue {
 public:
  // REQUIRES: options.threads >= 1, options.max_queued >= 1.
  explicit LaneQueue(const LaneOptions& options) : options_(options) {}

  // Returns OK if the request may be added. Errors: ResourceExhausted/QUEUE_FULL with a retry delay; Unavailable/DRAINING when the
  // request would be answered only after the end that AnswerUntil set; DeadlineExceeded; Cancelled.
  absl::Status Admit(const LaneRequest& request, absl::Time now) const;

  void Add(LaneRequest request);

  // Takes the request that runs next; nullopt when none is left. Adds what cannot be answered in time to `refused`. The caller
  // reports the end of the run with Finish.
  std::optional<LaneRequest> Take(absl::Time now, std::vector<Refusal>& refused);
  void Finish(const LaneWork& work, absl::Duration duration);

  // Takes out all requests that are expired or cancelled.
  std::vector<Refusal> TakeUnwanted(absl::Time now);

  // From now on no request is admitted that would be answered after `end`.
  void AnswerUntil(absl::Time end) { end_ = end; }

  size_t size() const { return requests_.size(); }
  // InfiniteFuture when no request waits.
  absl::Time earliest_deadline() const;

 private:
  struct Estimate {
    absl::Duration wait;
    absl::Duration total;
    // Nothing runs or waits that could correct the estimate.
    bool idle = false;
  };

  Estimate EstimateFor(const LaneWork& work) const;
  bool IsOverloaded(absl::Time now) const;
  absl::Status CheckTime(const LaneRequest& request, absl::Time now) const;
  LaneRequest Remove(std::deque<LaneRequest>::iterator position);

  const LaneOptions options_;
  std::deque<LaneRequest> requests_;
  // The sums of what waits, and of what runs.
  double queued_cost_ = 0;
  double running_cost_ = 0;
  // Images of requests that wait or run.
  int images_ = 0;
  int running_ = 0;
  WorkRate rate_;
  absl::Time end_ = absl::InfiniteFuture();
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ADMISSION_LANE_QUEUE_H_
