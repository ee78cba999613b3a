// A JobLauncher whose jobs end when a test says so. Jobs outlive the launcher if their FakeCluster does.
//
// Thread-safe.
#ifndef SEMBLANCE_TESTS_SERVICE_JOBS_FAKE_JOB_LAUNCHER_H_
#define SEMBLANCE_TESTS_SERVICE_JOBS_FAKE_JOB_LAUNCHER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "service/jobs/job_launcher.h"

namespace semblance::testing {

// The processes of the jobs, by name.
class FakeCluster {
 public:
  // Waits for this many starts. Returns the spec of the last of them.
  service::JobSpec AwaitStart(size_t count) {
    MutexLock lock(&mutex_);
    changed_.Wait(mutex_, /*stop=*/{}, [this, count]() SEMBLANCE_REQUIRES(mutex_) { return specs_.size() >= count; });
    return specs_[count - 1];
  }

  std::vector<service::JobSpec> specs() const {
    MutexLock lock(&mutex_);
    return specs_;
  }

  void Start(const service::JobSpec& spec) {
    MutexLock lock(&mutex_);
    specs_.push_back(spec);
    exit_codes_[spec.name] = std::nullopt;
    changed_.NotifyAll();
  }

  void End(const std::string& name, int exit_code) {
    MutexLock lock(&mutex_);
    exit_codes_[name] = exit_code;
    changed_.NotifyAll();
  }

  bool Runs(const std::string& name) const {
    MutexLock lock(&mutex_);
    const auto found = exit_codes_.find(name);
    return found != exit_codes_.end() && !found->second.has_value();
  }

  std::optional<int> Wait(const std::string& name, absl::Duration limit) {
    MutexLock lock(&mutex_);
    changed_.WaitFor(mutex_, /*stop=*/{}, limit, [&]() SEMBLANCE_REQUIRES(mutex_) { return exit_codes_[name].has_value(); });
    return exit_codes_[name];
  }

 private:
  mutable Mutex mutex_;
  Condition changed_;
  std::vector<service::JobSpec> specs_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<std::string, std::optional<int>> exit_codes_ SEMBLANCE_GUARDED_BY(mutex_);
};

class FakeJobLauncher final : public service::JobLauncher {
 public:
  explicit FakeJobLauncher(FakeCluster* cluster) : cluster_(cluster) {}

  absl::StatusOr<std::unique_ptr<service::Job>> Start(const service::JobSpec& spec) override {
    cluster_->Start(spec);
    return std::make_unique<FakeJob>(cluster_, spec.name);
  }

  absl::StatusOr<std::unique_ptr<service::Job>> Attach(const std::string& name) override {
    if (!cluster_->Runs(name)) {
      return absl::NotFoundError(name);
    }
    return std::make_unique<FakeJob>(cluster_, name);
  }

  bool LaunchesReplicas() const override { return launches_replicas_; }
  void set_launches_replicas(bool value) { launches_replicas_ = value; }

 private:
  class FakeJob final : public service::Job {
   public:
    FakeJob(FakeCluster* cluster, std::string name) : cluster_(cluster), name_(std::move(name)) {}
    std::optional<int> Wait(absl::Duration limit) override { return cluster_->Wait(name_, limit); }
    void Stop(absl::Duration /*grace*/) override { cluster_->End(name_, 143); }

   private:
    FakeCluster* const cluster_;
    const std::string name_;
  };

  FakeCluster* const cluster_;
  bool launches_replicas_ = false;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_JOBS_FAKE_JOB_LAUNCHER_H_
