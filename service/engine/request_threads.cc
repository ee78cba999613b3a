#include "service/engine/request_threads.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace semblance::service {
namespace {

constexpr absl::Duration kRetryDelay = absl::Milliseconds(100);

}  // namespace

RequestThreads::RequestThreads(int thread_count, int max_queued, const Clock* clock)
    : max_queued_(max_queued),
      clock_(clock),
      interactive_("worker", thread_count, static_cast<size_t>(max_queued)),
      bulk_("bulk", thread_count, static_cast<size_t>(max_queued)) {}

void RequestThreads::Submit(embedder::Priority priority, const CallContext& context, std::function<void()> task,
                            const std::function<void(const absl::Status&)>& refuse) {
  const bool accepted = PoolOf(priority).TrySchedule([this, context, task = std::move(task), refuse] {
    if (context.cancelled.stop_requested()) {
      refuse(absl::CancelledError("the client has gone"));
    } else if (clock_->Now() > context.deadline) {
      refuse(absl::DeadlineExceededError("the deadline passed while the request waited for a worker"));
    } else {
      task();
    }
  });
  if (!accepted) {
    refuse(WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL,
                                absl::StrCat(max_queued_, " requests are waiting already")),
                          kRetryDelay));
  }
}

}  // namespace semblance::service
