// Says why a task is asked to stop: it was cancelled, or the server ends.
//
// Thread-safe.
//
// The difference matters to the task. A cancelled task cleans up and ends for good. A task that a shutdown interrupts leaves
// everything in place, because the next server resumes it. A TaskStop is a view of its TaskStopSource and may outlive it.
#ifndef SEMBLANCE_SERVICE_TASKS_TASK_STOP_H_
#define SEMBLANCE_SERVICE_TASKS_TASK_STOP_H_

#include <atomic>
#include <memory>
#include <stop_token>
#include <utility>

#include "absl/status/status.h"

namespace semblance::service {

class TaskStop {
 public:
  // The token is set for either reason. It ends waits and long work.
  const std::stop_token& token() const { return token_; }

  bool requested() const { return token_.stop_requested(); }
  // This is set before the token.
  bool cancelled() const { return cancelled_->load(); }
  // True when the server ends and the task was not cancelled before.
  bool shutting_down() const { return requested() && !cancelled(); }

  // Returns OK until the stop is requested, and then Cancelled, with the reason in words.
  absl::Status Check() const;

 private:
  friend class TaskStopSource;
  TaskStop(std::stop_token token, std::shared_ptr<const std::atomic<bool>> cancelled)
      : token_(std::move(token)), cancelled_(std::move(cancelled)) {}

  std::stop_token token_;
  std::shared_ptr<const std::atomic<bool>> cancelled_;
};

class TaskStopSource {
 public:
  // Both may be called again, and one after the other. A cancellation counts even after the shutdown.
  void Cancel() {
    cancelled_->store(true);
    source_.request_stop();
  }
  void ShutDown() { source_.request_stop(); }

  TaskStop stop() const { return {source_.get_token(), cancelled_}; }

 private:
  std::stop_source source_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TASKS_TASK_STOP_H_
