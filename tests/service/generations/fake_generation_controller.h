// A GenerationController for tests. The test sets the generations, and calls are recorded.
//
// Thread-safe. Observers must not call back.
#ifndef SEMBLANCE_TESTS_SERVICE_GENERATIONS_FAKE_GENERATION_CONTROLLER_H_
#define SEMBLANCE_TESTS_SERVICE_GENERATIONS_FAKE_GENERATION_CONTROLLER_H_

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "service/generations/generation_checks.h"
#include "service/generations/generation_controller.h"
#include "service/live/generation_traffic.h"
#include "tests/service/tasks/fake_controller.h"

namespace semblance::testing {

inline service::GenerationInfo GenerationOf(const std::string& id, service::GenerationState state, int64_t done = 0) {
  service::GenerationInfo info;
  info.manifest.set_id(id);
  info.state = state;
  info.progress = service::GenerationProgress{.done = done, .total = 1'000'000, .unit = "items", .time_left = std::nullopt};
  return info;
}

// Calls are recorded as "activate gen-000002, expected gen-000001".
class FakeGenerationController final
    : public FakeController<service::GenerationController, service::GenerationInfo, service::GenerationSpec> {
 public:
  FakeGenerationController() : FakeController("generation", v1::ERROR_REASON_GENERATION_NOT_FOUND) {}

  // Makes or changes a generation, and tells its observers.
  void Set(const service::GenerationInfo& info) { Put(info.manifest.id(), info); }

  // Evaluate waits while this is held.
  void Hold(bool held) {
    MutexLock lock(&mutex_);
    held_ = held;
    changed_.NotifyAll();
  }

  // Waits until this many evaluations wait.
  void AwaitHeld(int count) {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, /*stop=*/{}, [this, count]() SEMBLANCE_REQUIRES(mutex_) { return waiting_ == count; });
  }

  absl::StatusOr<service::GenerationInfo> Create(const service::GenerationSpec& request) override {
    SEMBLANCE_ASSIGN_OR_RETURN(const service::GenerationSpec spec, service::CompleteSpec(request));
    SEMBLANCE_RETURN_IF_ERROR(RecordCreate(spec.bundle_dir, spec));
    return GenerationOf("gen-000007", service::GenerationState::kCreating);
  }

  absl::StatusOr<service::GenerationList> List() const override {
    service::GenerationList list;
    list.generations = rows();
    for (const service::GenerationInfo& info : list.generations) {
      if (info.state == service::GenerationState::kActive) {
        list.active = info.manifest.id();
      } else if (info.state == service::GenerationState::kStandby) {
        list.previous = info.manifest.id();
      }
    }
    return list;
  }

  absl::StatusOr<service::GenerationEvaluation> Evaluate(const std::string& id) override {
    SEMBLANCE_RETURN_IF_ERROR(Record(absl::StrCat("evaluate ", id)));
    MutexLock lock(&mutex_);
    ++waiting_;
    changed_.NotifyAll();
    changed_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return !held_; });
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

 private:
  Mutex mutex_;
  Condition changed_;
  bool held_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  int waiting_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_GENERATIONS_FAKE_GENERATION_CONTROLLER_H_
