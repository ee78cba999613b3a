// A TrainingController for tests. The test sets jobs and logs, and calls are recorded.
//
// Thread-safe. The only method that observers may call is ReadLog.
#ifndef SEMBLANCE_TESTS_SERVICE_TRAINING_FAKE_TRAINING_CONTROLLER_H_
#define SEMBLANCE_TESTS_SERVICE_TRAINING_FAKE_TRAINING_CONTROLLER_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "common/threads/mutex.h"
#include "service/training/training_controller.h"
#include "tests/service/tasks/fake_controller.h"

namespace semblance::testing {

inline service::TrainingInfo JobOf(const std::string& id, service::TrainingState state, int64_t step = 0) {
  service::TrainingInfo info;
  info.id = id;
  info.state = state;
  info.progress.set_step(step);
  info.progress.set_total_steps(1'000'000);
  return info;
}

// Calls are recorded as "cancel job-000001".
class FakeTrainingController final
    : public FakeController<service::TrainingController, service::TrainingInfo, service::TrainingSpec> {
 public:
  FakeTrainingController() : FakeController("job", v1::ERROR_REASON_JOB_NOT_FOUND) {}

  // Makes or changes a job, and tells its observers.
  void Set(const service::TrainingInfo& info) { Put(info.id, info); }

  // Appends to the log. There is one log for all jobs, and its offsets count lines.
  void Log(const std::string& line) {
    MutexLock lock(&log_mutex_);
    log_.push_back(line);
  }

  // ReadLog returns this error. OK ends that.
  void FailLogWith(const absl::Status& status) {
    MutexLock lock(&log_mutex_);
    log_failure_ = status;
  }

  absl::StatusOr<service::TrainingInfo> Create(const service::TrainingSpec& spec) override {
    SEMBLANCE_RETURN_IF_ERROR(RecordCreate(spec.config.model_name(), spec));
    return JobOf("job-000007", service::TrainingState::kQueued);
  }

  absl::StatusOr<std::vector<service::TrainingInfo>> List() const override {
    SEMBLANCE_RETURN_IF_ERROR(failure());
    return rows();
  }

  absl::StatusOr<service::TrainingInfo> Cancel(const std::string& id) override {
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("cancel ", id)));
    return JobOf(id, service::TrainingState::kCancelling);
  }

  absl::StatusOr<service::TrainingInfo> Resume(const std::string& id) override {
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("resume ", id)));
    return JobOf(id, service::TrainingState::kQueued);
  }

  absl::Status Delete(const std::string& id) override { return Record(absl::StrCat("delete ", id)); }

  absl::StatusOr<service::LogLines> ReadLog(const std::string& /*id*/, int64_t offset, int max_lines) const override {
    MutexLock lock(&log_mutex_);
    SEMBLANCE_RETURN_IF_ERROR(log_failure_);
    const auto end = static_cast<int64_t>(log_.size());
    const int64_t first = std::max({offset < 0 || offset > end ? 0 : offset, end - max_lines});
    return service::LogLines{.lines = {log_.begin() + first, log_.end()}, .next_offset = end};
  }

 private:
  mutable Mutex log_mutex_;
  std::vector<std::string> log_ SEMBLANCE_GUARDED_BY(log_mutex_);
  absl::Status log_failure_ SEMBLANCE_GUARDED_BY(log_mutex_);
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_TRAINING_FAKE_TRAINING_CONTROLLER_H_
