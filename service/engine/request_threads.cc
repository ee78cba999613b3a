#include "service/engine/request_threads.h"

#include <utility>

namespace semblance::service {

RequestThreads::RequestThreads(const LaneOptions& options, Clock* clock)
    : lanes_({std::make_unique<RequestLane>("lookups", options, clock), std::make_unique<RequestLane>("images", options, clock),
              std::make_unique<RequestLane>("writes", options, clock)}) {}

void RequestThreads::Submit(Lane lane, const CallContext& context, LaneWork work, std::function<void()> task,
                            std::function<void(const absl::Status&)> refuse) {
  LaneOf(lane).Submit({.work = std::move(work),
                       .arrival = {},
                       .deadline = context.deadline,
                       .cancelled = context.cancelled,
                       .run = std::move(task),
                       .refuse = std::move(refuse)});
}

void RequestThreads::AnswerUntil(absl::Time end) {
  for (const std::unique_ptr<RequestLane>& lane : lanes_) {
    lane->AnswerUntil(end);
  }
}

}  // namespace semblance::service
