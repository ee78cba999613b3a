// The threads of one lane, and the requests that wait for them. Requests of different lanes never wait for each other.
//
// Thread-safe. The destructor runs what was admitted and joins.
//
// LaneQueue says which requests are admitted and which one runs next. Later steps of admitted requests go before new requests. A
// request whose deadline passes while it waits is answered at once, even while all threads are busy.
#ifndef SEMBLANCE_SERVICE_ADMISSION_REQUEST_LANE_H_
#define SEMBLANCE_SERVICE_ADMISSION_REQUEST_LANE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "service/admission/lane_queue.h"

namespace semblance::service {

class RequestLane {
 public:
  // `clock` must outlive the lane. `name` shows in debuggers (15 bytes are kept). REQUIRES: see LaneQueue.
  RequestLane(const std::string& name, const LaneOptions& options, Clock* clock);
  ~RequestLane();
  RequestLane(const RequestLane&) = delete;
  RequestLane& operator=(const RequestLane&) = delete;

  // Runs the request on a thread of the lane, or calls its `refuse`: on this thread with the errors of LaneQueue::Admit, or on
  // another thread with DeadlineExceeded or Cancelled when its turn does not come in time. Sets its `arrival`.
  void Submit(LaneRequest request);

  // Runs a later step of a request that was admitted. It is never refused.
  void Continue(std::function<void()> step);

  // See LaneQueue::AnswerUntil.
  void AnswerUntil(absl::Time end);

  // Returns how many requests and steps wait for a thread.
  size_t queued() const;

 private:
  void Run(const std::stop_token& stop);
  void RunRequest(LaneRequest request);
  void AnswerExpired();

  Clock* const clock_;
  mutable Mutex mutex_;
  Condition changed_;
  LaneQueue queue_ SEMBLANCE_GUARDED_BY(mutex_);
  std::deque<std::function<void()>> steps_ SEMBLANCE_GUARDED_BY(mutex_);
  // The timer sleeps until `next_deadline_`. A request to stop `timer_wait_` wakes it.
  absl::Time next_deadline_ SEMBLANCE_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  std::stop_source timer_wait_ SEMBLANCE_GUARDED_BY(mutex_);
  bool ending_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  // They come last, because they use everything above.
  std::vector<Worker> workers_;
  Worker timer_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ADMISSION_REQUEST_LANE_H_
