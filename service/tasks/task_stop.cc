#include "service/tasks/task_stop.h"

namespace semblance::service {

absl::Status TaskStop::Check() const {
  if (!requested()) {
    return absl::OkStatus();
  }
  return absl::CancelledError(cancelled() ? "cancelled" : "the server is shutting down");
}

}  // namespace semblance::service
