// The threads that requests run on. There are three lanes, whose requests never wait for each other, so that a flood of images does
// not delay searches that need no decoding.
//
// Thread-safe. The destructor runs what was admitted and joins.
//
// Each lane refuses at once what it could not answer in time; see service/admission/lane_queue.h.
#ifndef SEMBLANCE_SERVICE_ENGINE_REQUEST_THREADS_H_
#define SEMBLANCE_SERVICE_ENGINE_REQUEST_THREADS_H_

#include <array>
#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "service/admission/lane_queue.h"
#include "service/admission/request_lane.h"
#include "service/engine/types.h"

namespace semblance::service {

enum class Lane {
  // Searches for vectors and items, reads of the catalog, and the last step of every search. A query or a read is one unit of cost.
  kLookups,
  // Requests that decode images for a client who waits. The unit of cost is a byte of an encoded image; see CostOf.
  kImages,
  // Writes, and comparisons with a shadow. The unit of cost is that of kImages.
  kWrites,
};

class RequestThreads {
 public:
  // Each lane has these options.
  RequestThreads(const LaneOptions& options, Clock* clock);

  // Runs `task` on a thread of the lane, or calls `refuse` instead: on this thread with the errors of LaneQueue::Admit, or on
  // another thread with DeadlineExceeded or Cancelled when the turn of the request does not come in time.
  void Submit(Lane lane, const CallContext& context, LaneWork work, std::function<void()> task,
              std::function<void(const absl::Status&)> refuse);

  // Runs a later step of a request that Submit accepted. It is never refused.
  void Continue(Lane lane, std::function<void()> step) { LaneOf(lane).Continue(std::move(step)); }

  // From now on refuses, with DRAINING, what could not be answered before `end`.
  void AnswerUntil(absl::Time end);

  // Returns how many requests and steps wait for a thread of the lane.
  size_t queued(Lane lane) const { return LaneOf(lane).queued(); }

 private:
  RequestLane& LaneOf(Lane lane) const { return *lanes_[static_cast<size_t>(lane)]; }

  // Indexed by Lane.
  const std::array<std::unique_ptr<RequestLane>, 3> lanes_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_REQUEST_THREADS_H_
