#include "service/jobs/kubernetes/kubernetes_job.h"

#include <algorithm>
#include <stop_token>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/logging.h"
#include "common/program/process.h"
#include "common/status_macros.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/stop.h"
#include "common/threads/worker.h"
#include "service/jobs/kubernetes/kubernetes_job_manifest.h"
#include "service/jobs/kubernetes/kubernetes_pod_logs.h"

namespace semblance::service {
namespace {

// Stop waits this long after the grace of the pods until the Job is gone.
constexpr absl::Duration kStopLimit = absl::Seconds(90);

class KubernetesJob final : public Job {
 public:
  KubernetesJob(std::string name, const KubernetesJobStatus& job, const KubernetesOptions& options,
                std::unique_ptr<KubernetesClient> client)
      : name_(std::move(name)),
        uid_(job.uid),
        jobs_path_(KubernetesJobsPath(options)),
        pods_path_(KubernetesPodsPath(options)),
        poll_interval_(options.poll_interval),
        client_(std::move(client)),
        logs_(client_.get(), pods_path_, job.log_path) {
    Take(job);
    thread_ = Worker("job watch", [this](const std::stop_token& stop) { Follow(stop); });
  }

  ~KubernetesJob() override {
    thread_.RequestStop();
    // Ends the request that the thread is in.
    client_->Interrupt();
    thread_.Stop();
  }

  std::optional<int> Wait(absl::Duration limit) override {
    const MutexLock lock(&mutex_);
    ended_.WaitFor(mutex_, /*stop=*/{}, limit, [this]() SEMBLANCE_REQUIRES(mutex_) { return exit_code_.has_value(); });
    return exit_code_;
  }

  void Stop(absl::Duration grace) override {
    const absl::Time deadline = absl::Now() + grace + kStopLimit;
    const std::string deletion = RenderDeletion(uid_, grace);
    while (!Wait(absl::ZeroDuration()).has_value()) {
      const absl::Status status = client_->Delete(absl::StrCat(jobs_path_, "/", name_), deletion).status();
      // The Job is gone, or another one has its name. The watch will report this.
      const bool is_asked = status.ok() || absl::IsNotFound(status) || absl::IsAlreadyExists(status);
      if (Wait(is_asked ? deadline - absl::Now() : poll_interval_).has_value()) {
        return;
      }
      if ((!is_asked && !absl::IsUnavailable(status)) || absl::Now() >= deadline) {
        LOG(ERROR) << "the Kubernetes Job " << name_ << " cannot be stopped: " << status;
        return;
      }
    }
  }

 private:
  enum class Phase { kRuns, kComplete, kFailed, kGone };

  void Follow(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const absl::Time began = absl::Now();
      Report(resource_version_.empty() ? Read() : Watch());
      if (const std::optional<int> exit_code = Look(); exit_code.has_value()) {
        const MutexLock lock(&mutex_);
        exit_code_ = exit_code;
        ended_.NotifyAll();
        return;
      }
      WaitForStop(stop, began + poll_interval_ - absl::Now());
    }
  }

  void Take(const KubernetesJobStatus& job) {
    resource_version_ = job.resource_version;
    phase_ = job.uid != uid_                              ? Phase::kGone
             : job.phase == KubernetesJobPhase::kComplete ? Phase::kComplete
             : job.phase == KubernetesJobPhase::kFailed   ? Phase::kFailed
                                                          : Phase::kRuns;
  }

  absl::Status Read() {
    const absl::StatusOr<std::string> answer = client_->Get(absl::StrCat(jobs_path_, "/", name_));
    if (absl::IsNotFound(answer.status())) {
      phase_ = Phase::kGone;
      return absl::OkStatus();
    }
    SEMBLANCE_RETURN_IF_ERROR(answer.status());
    SEMBLANCE_ASSIGN_OR_RETURN(const KubernetesJobStatus job, ParseJob(*answer));
    Take(job);
    return absl::OkStatus();
  }

  // Waits until the job ends, but at most for a poll interval.
  absl::Status Watch() {
    if (phase_ != Phase::kRuns) {
      return absl::OkStatus();
    }
    const absl::Duration limit = std::max(absl::Ceil(poll_interval_, absl::Seconds(1)), absl::Seconds(1));
    const std::string path = absl::StrCat(jobs_path_, "?watch=1&allowWatchBookmarks=true&fieldSelector=metadata.name%3D", name_,
                                          "&resourceVersion=", resource_version_, "&timeoutSeconds=", absl::ToInt64Seconds(limit));
    absl::Status event_status;
    const absl::Status status = client_->Watch(path, limit, [&](absl::string_view line) {
      event_status = TakeEvent(std::string(line));
      return event_status.ok() && phase_ == Phase::kRuns;
    });
    if (!status.ok() || !event_status.ok()) {
      resource_version_.clear();  // The Job must be read again.
    }
    const absl::Status& error = status.ok() ? event_status : status;
    // It is no error that the server has dropped a version.
    return absl::IsOutOfRange(error) ? absl::OkStatus() : error;
  }

  absl::Status TakeEvent(const std::string& line) {
    SEMBLANCE_ASSIGN_OR_RETURN(const KubernetesJobEvent event, ParseJobEvent(line));
    switch (event.type) {
      case KubernetesJobEvent::Type::kChanged:
        Take(event.job);
        break;
      case KubernetesJobEvent::Type::kDeleted:
        phase_ = Phase::kGone;
        break;
      case KubernetesJobEvent::Type::kBookmark:
        resource_version_ = event.job.resource_version;
        break;
      case KubernetesJobEvent::Type::kError:
        constexpr int kGone = 410;
        return event.error_code == kGone ? absl::OutOfRangeError("gone")
                                         : absl::UnavailableError(absl::StrCat("the watch ended with ", event.error_code));
    }
    return absl::OkStatus();
  }

  // Copies logs. Returns the exit code when the Job has ended and its pods could be read.
  std::optional<int> Look() {
    if (phase_ == Phase::kGone) {
      return kExitTerminated;
    }
    const absl::StatusOr<std::string> answer = client_->Get(absl::StrCat(pods_path_, "?labelSelector=job-name%3D", name_));
    const absl::StatusOr<std::vector<KubernetesPod>> pods = answer.ok() ? ParsePods(*answer) : answer.status();
    if (pods.ok()) {
      logs_.Copy(*pods);
    } else if (absl::IsUnavailable(pods.status()) || absl::IsCancelled(pods.status())) {
      return std::nullopt;
    }
    switch (phase_) {
      case Phase::kComplete:
        return kExitDone;
      case Phase::kFailed:
        return pods.ok() ? ExitCodeOfFailed(*pods) : kExitUnknown;
      default:
        return std::nullopt;
    }
  }

  // Logs an error once, not at every repetition.
  void Report(const absl::Status& status) {
    if (!status.ok() && !absl::IsCancelled(status) && status != reported_) {
      LOG(WARNING) << "the Kubernetes Job " << name_ << " cannot be watched: " << status;
    }
    reported_ = status;
  }

  const std::string name_;
  const std::string uid_;
  const std::string jobs_path_;
  const std::string pods_path_;
  const absl::Duration poll_interval_;
  const std::unique_ptr<KubernetesClient> client_;

  // Only the thread uses this. If the version is empty, the Job must be read.
  KubernetesPodLogs logs_;
  std::string resource_version_;
  Phase phase_ = Phase::kRuns;
  absl::Status reported_;

  Mutex mutex_;
  Condition ended_;
  std::optional<int> exit_code_ SEMBLANCE_GUARDED_BY(mutex_);
  Worker thread_;
};

}  // namespace

std::string KubernetesJobsPath(const KubernetesOptions& options) {
  return absl::StrCat("/apis/batch/v1/namespaces/", options.job_namespace, "/jobs");
}

std::string KubernetesPodsPath(const KubernetesOptions& options) {
  return absl::StrCat("/api/v1/namespaces/", options.job_namespace, "/pods");
}

std::unique_ptr<Job> WatchKubernetesJob(std::string name, const KubernetesJobStatus& job, const KubernetesOptions& options,
                                        std::unique_ptr<KubernetesClient> client) {
  return std::make_unique<KubernetesJob>(std::move(name), job, options, std::move(client));
}

}  // namespace semblance::service
