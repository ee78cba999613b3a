// A TrainingController for tests. The test sets jobs and logs, and calls are recorded.
//
// Thread-safe. Observers are called under a lock, which the contract allows. ReadLog is the only method that they may call.
#ifndef SEMBLANCE_TESTS_SERVICE_TRAINING_FAKE_TRAINING_CONTROLLER_H_
#define SEMBLANCE_TESTS_SERVICE_TRAINING_FAKE_TRAINING_CONTROLLER_H_

#include <algorithm>
#include <condition_variable>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/threads/mutex.h"
#include "service/training/training_controller.h"

namespace semblance::testing {

inline service::TrainingInfo JobOf(const std::string& id, service::TrainingState state, int64_t step = 0) {
  service::TrainingInfo info;
  info.id = id;
  info.state = state;
  info.progress.set_step(step);
  info.progress.set_total_steps(1'000'000);
  return info;
}

class FakeTrainingController final : public service::TrainingController {
 public:
  // Makes or changes a job, and tells its observers.
  void Set(const service::TrainingInfo& info) {
    MutexLock lock(&mutex_);
    jobs_[info.id] = info;
    Tell(info.id, info);
  }

  void Remove(const std::string& id) {
    MutexLock lock(&mutex_);
    jobs_.erase(id);
    Tell(id, std::nullopt);
  }

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

  // Methods that change something return this error. OK ends that.
  void FailWith(const absl::Status& status) {
    MutexLock lock(&mutex_);
    failure_ = status;
  }

  // Waits until there are this many observers.
  void AwaitObservers(size_t count) {
    MutexLock lock(&mutex_);
    while (observers_.size() != count) {
      changed_.wait(mutex_);
    }
  }

  // Returns the calls in their order, in a form such as "cancel job-000001".
  std::vector<std::string> calls() const {
    MutexLock lock(&mutex_);
    return calls_;
  }

  service::TrainingSpec last_spec() const {
    MutexLock lock(&mutex_);
    return last_spec_;
  }

  absl::StatusOr<service::TrainingInfo> Create(const service::TrainingSpec& spec) override {
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("create ", spec.config.model_name())));
    MutexLock lock(&mutex_);
    last_spec_ = spec;
    return JobOf("job-000007", service::TrainingState::kQueued);
  }

  absl::StatusOr<service::TrainingInfo> Get(const std::string& id) const override {
    MutexLock lock(&mutex_);
    return Find(id);
  }

  absl::StatusOr<std::vector<service::TrainingInfo>> List() const override {
    MutexLock lock(&mutex_);
    SEMBLANCE_RETURN_IF_ERROR(failure_);
    std::vector<service::TrainingInfo> list;
    for (auto it = jobs_.rbegin(); it != jobs_.rend(); ++it) {
      list.push_back(it->second);
    }
    return list;
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

  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer) override {
    MutexLock lock(&mutex_);
    SEMBLANCE_ASSIGN_OR_RETURN(const service::TrainingInfo info, Find(id));
    const int64_t token = next_token_++;
    observer(info);
    observers_.emplace(token, std::make_pair(id, std::move(observer)));
    changed_.notify_all();
    return token;
  }

  void RemoveObserver(int64_t token) override {
    MutexLock lock(&mutex_);
    observers_.erase(token);
    changed_.notify_all();
  }

 private:
  absl::StatusOr<service::TrainingInfo> Find(const std::string& id) const SEMBLANCE_REQUIRES(mutex_) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) {
      return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_JOB_NOT_FOUND, absl::StrCat("there is no job ", id));
    }
    return found->second;
  }

  absl::Status Record(std::string call) {
    MutexLock lock(&mutex_);
    calls_.push_back(std::move(call));
    return failure_;
  }

  void Tell(const std::string& id, const std::optional<service::TrainingInfo>& info) SEMBLANCE_REQUIRES(mutex_) {
    for (auto& [token, observer] : observers_) {
      if (observer.first == id) {
        observer.second(info);
      }
    }
  }

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, service::TrainingInfo> jobs_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<int64_t, std::pair<std::string, Observer>> observers_ SEMBLANCE_GUARDED_BY(mutex_);
  int64_t next_token_ SEMBLANCE_GUARDED_BY(mutex_) = 1;
  absl::Status failure_ SEMBLANCE_GUARDED_BY(mutex_);
  std::vector<std::string> calls_ SEMBLANCE_GUARDED_BY(mutex_);
  service::TrainingSpec last_spec_ SEMBLANCE_GUARDED_BY(mutex_);

  // The log has a lock of its own, because observers run under mutex_ and read the log.
  mutable Mutex log_mutex_;
  std::vector<std::string> log_ SEMBLANCE_GUARDED_BY(log_mutex_);
  absl::Status log_failure_ SEMBLANCE_GUARDED_BY(log_mutex_);
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_TRAINING_FAKE_TRAINING_CONTROLLER_H_
