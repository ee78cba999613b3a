#include "service/rpc/blocking_calls.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"

namespace semblance::service {
namespace {

constexpr absl::Duration kRetryWhenFull = absl::Seconds(1);

}  // namespace

void BlockingCalls::Run(UnaryCall* call, std::function<absl::Status()> work) {
  const bool accepted = threads_.TrySchedule([call, work = std::move(work)] {
    if (call->context().cancelled.stop_requested()) {
      call->Complete(absl::CancelledError("the client has gone"));
    } else if (absl::Now() > call->context().deadline) {
      call->Complete(absl::DeadlineExceededError("the deadline passed while the request waited for its turn"));
    } else {
      call->Complete(work());
    }
  });
  if (!accepted) {
    call->Complete(WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL,
                                        absl::StrCat(max_queued_, " requests are waiting already")),
                                  kRetryWhenFull));
  }
}

}  // namespace semblance::service
