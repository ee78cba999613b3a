// A GenerationController for tests. The test sets the generations, and calls are recorded.
//
// Thread-safe. Observers are called under the lock, which the contract allows. They must not call back.
#ifndef SEMBLANCE_TESTS_SERVICE_GENERATIONS_FAKE_GENERATION_CONTROLLER_H_
#define SEMBLANCE_TESTS_SERVICE_GENERATIONS_FAKE_GENERATION_CONTROLLER_H_

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
#include "service/generations/generation_checks.h"
#include "service/generations/generation_controller.h"
#include "service/live/generation_traffic.h"

namespace semblance::testing {

inline service::GenerationInfo GenerationOf(const std::string& id, service::GenerationState state, int64_t done = 0) {
  service::GenerationInfo info;
  info.manifest.set_id(id);
  info.state = state;
  info.progress = service::GenerationProgress{.done = done, .total = 1'000'000, .unit = "items", .time_left = std::nullopt};
  return info;
}

class FakeGenerationController final : public service::GenerationController {
 public:
  // Makes or changes a generation, and tells its observers.
  void Set(const service::GenerationInfo& info) {
    MutexLock lock(&mutex_);
    generations_[info.manifest.id()] = info;
    Tell(info.manifest.id(), info);
  }

  void Remove(const std::string& id) {
    MutexLock lock(&mutex_);
    generations_.erase(id);
    Tell(id, std::nullopt);
  }

  // Methods that change something return this error. OK ends that.
  void FailWith(const absl::Status& status) {
    MutexLock lock(&mutex_);
    failure_ = status;
  }

  // Evaluate waits while this is held.
  void Hold(bool held) {
    MutexLock lock(&mutex_);
    held_ = held;
    changed_.notify_all();
  }

  // Waits until this many evaluations wait.
  void AwaitHeld(int count) {
    MutexLock lock(&mutex_);
    while (waiting_ != count) {
      changed_.wait(mutex_);
    }
  }

  // Waits until there are this many observers.
  void AwaitObservers(size_t count) {
    MutexLock lock(&mutex_);
    while (observers_.size() != count) {
      changed_.wait(mutex_);
    }
  }

  // Returns the calls in their order, in a form such as "activate gen-000002, expected gen-000001".
  std::vector<std::string> calls() const {
    MutexLock lock(&mutex_);
    return calls_;
  }

  service::GenerationSpec last_spec() const {
    MutexLock lock(&mutex_);
    return last_spec_;
  }

  absl::StatusOr<service::GenerationInfo> Create(const service::GenerationSpec& spec) override {
    SEMBLANCE_RETURN_IF_ERROR(service::CheckSpec(spec));
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("create ", spec.bundle_dir)));
    MutexLock lock(&mutex_);
    last_spec_ = spec;
    return GenerationOf("gen-000007", service::GenerationState::kCreating);
  }

  absl::StatusOr<service::GenerationInfo> Get(const std::string& id) const override {
    MutexLock lock(&mutex_);
    return Find(id);
  }

  absl::StatusOr<service::GenerationList> List() const override {
    MutexLock lock(&mutex_);
    service::GenerationList list;
    for (auto it = generations_.rbegin(); it != generations_.rend(); ++it) {
      list.generations.push_back(it->second);
      if (it->second.state == service::GenerationState::kActive) {
        list.active = it->first;
      } else if (it->second.state == service::GenerationState::kStandby) {
        list.previous = it->first;
      }
    }
    return list;
  }

  absl::StatusOr<service::GenerationEvaluation> Evaluate(const std::string& id) override {
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("evaluate ", id)));
    MutexLock lock(&mutex_);
    ++waiting_;
    changed_.notify_all();
    while (held_) {
      changed_.wait(mutex_);
    }
    --waiting_;
    service::GenerationEvaluation evaluation;
    evaluation.index_recall = 0.97;
    return evaluation;
  }

  absl::StatusOr<service::ActivationResult> Activate(const std::string& id, const std::string& expected_active,
                                                     bool validate_only) override {
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat(validate_only ? "validate " : "activate ", id, ", expected ", expected_active)));
    return service::ActivationResult{.generation = GenerationOf(id, service::GenerationState::kActive),
                                     .previous = "gen-000001",
                                     .write_pause = absl::Milliseconds(12)};
  }

  absl::StatusOr<service::ActivationResult> Rollback(const std::string& expected_active) override {
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("rollback, expected ", expected_active)));
    return service::ActivationResult{.generation = GenerationOf("gen-000001", service::GenerationState::kActive),
                                     .previous = "gen-000002",
                                     .write_pause = absl::Milliseconds(3)};
  }

  absl::StatusOr<service::GenerationInfo> Cancel(const std::string& id) override {
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("cancel ", id)));
    return GenerationOf(id, service::GenerationState::kCancelled);
  }

  absl::Status Delete(const std::string& id) override { return Record(absl::StrCat("delete ", id)); }

  absl::StatusOr<service::GenerationInfo> SetTraffic(const std::string& id, const service::TrafficShares& shares) override {
    SEMBLANCE_RETURN_IF_ERROR(service::CheckShares(shares));
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("traffic ", id, " ", shares.canary, " ", shares.shadow)));
    service::GenerationInfo info = GenerationOf(id, service::GenerationState::kReady);
    info.traffic = service::GenerationTraffic{.shares = shares};
    return info;
  }

  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer) override {
    MutexLock lock(&mutex_);
    SEMBLANCE_ASSIGN_OR_RETURN(const service::GenerationInfo info, Find(id));
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
  absl::StatusOr<service::GenerationInfo> Find(const std::string& id) const SEMBLANCE_REQUIRES(mutex_) {
    const auto found = generations_.find(id);
    if (found == generations_.end()) {
      return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_GENERATION_NOT_FOUND, absl::StrCat("there is no generation ", id));
    }
    return found->second;
  }

  absl::Status Record(std::string call) {
    MutexLock lock(&mutex_);
    calls_.push_back(std::move(call));
    return failure_;
  }

  void Tell(const std::string& id, const std::optional<service::GenerationInfo>& info) SEMBLANCE_REQUIRES(mutex_) {
    for (auto& [token, observer] : observers_) {
      if (observer.first == id) {
        observer.second(info);
      }
    }
  }

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, service::GenerationInfo> generations_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<int64_t, std::pair<std::string, Observer>> observers_ SEMBLANCE_GUARDED_BY(mutex_);
  int64_t next_token_ SEMBLANCE_GUARDED_BY(mutex_) = 1;
  absl::Status failure_ SEMBLANCE_GUARDED_BY(mutex_);
  bool held_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  int waiting_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> calls_ SEMBLANCE_GUARDED_BY(mutex_);
  service::GenerationSpec last_spec_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_GENERATIONS_FAKE_GENERATION_CONTROLLER_H_
