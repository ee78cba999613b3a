#include "service/jobs/kubernetes/kubernetes_job_launcher.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "service/jobs/kubernetes/kubernetes_client.h"
#include "service/jobs/kubernetes/kubernetes_job.h"
#include "service/jobs/kubernetes/kubernetes_job_manifest.h"
#include "service/jobs/kubernetes/kubernetes_job_status.h"
#include "service/jobs/log_rotation.h"

namespace semblance::service {
namespace {

// A name of this length, with the index of a replica, still fits into a host name.
constexpr size_t kMaxName = 52;

absl::Status CheckSpec(const JobSpec& spec) {
  // The name of a Service must begin with a letter.
  if (!IsDnsLabel(spec.name, kMaxName) || !absl::ascii_isalpha(spec.name[0])) {
    return absl::InvalidArgumentError(
        absl::StrCat("the job's name is \"", spec.name, "\"; it must match [a-z]([a-z0-9-]{0,50}[a-z0-9])?"));
  }
  if (spec.arguments.empty() || spec.replicas < 1) {
    return absl::InvalidArgumentError(absl::StrCat("the job ", spec.name, " has no program, or ", spec.replicas, " replicas"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<KubernetesClient>> ClientOf(const KubernetesOptions& options) {
  return NewKubernetesClient({.api_server = options.api_server, .token_path = options.token_path, .ca_path = options.ca_path});
}

class KubernetesJobLauncher final : public JobLauncher {
 public:
  KubernetesJobLauncher(KubernetesOptions options, std::unique_ptr<KubernetesClient> client)
      : options_(std::move(options)), jobs_path_(KubernetesJobsPath(options_)), client_(std::move(client)) {}

  absl::StatusOr<std::unique_ptr<Job>> Start(const JobSpec& spec) override {
    SEMBLANCE_RETURN_IF_ERROR(CheckSpec(spec));
    // A log that is too long does not prevent the start.
    if (const absl::Status status = RotateLog(spec.log_path, kMaxLogBytes, kKeptLogs); !status.ok()) {
      LOG(WARNING) << status.message();
    }
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<KubernetesOwner> owner, Owner());
    const absl::StatusOr<std::string> created = client_->Post(jobs_path_, RenderJob(spec, options_, owner));
    const bool is_there = absl::IsAlreadyExists(created.status());
    if (!created.ok() && !is_there) {
      return WithContext(created.status(), absl::StrCat("cannot create the Kubernetes Job ", spec.name));
    }
    absl::StatusOr<KubernetesJobStatus> job = is_there ? Find(spec.name) : ParseJob(*created);
    if (!job.ok()) {
      // Somebody else's Job has the name, or ours was just deleted. NotFound would mean that the program does not exist.
      return absl::IsNotFound(job.status()) ? absl::UnavailableError(job.status().message()) : job.status();
    }
    if (spec.replicas > 1) {
      SEMBLANCE_RETURN_IF_ERROR(ConnectReplicas({.name = spec.name, .uid = job->uid}, is_there));
    }
    job->log_path = spec.log_path;
    return WatchFrom(spec.name, *job);
  }

  absl::StatusOr<std::unique_ptr<Job>> Attach(const std::string& name) override {
    if (!IsDnsLabel(name, kMaxName)) {
      return absl::NotFoundError(absl::StrCat("no Job can have the name \"", name, "\""));
    }
    SEMBLANCE_ASSIGN_OR_RETURN(KubernetesJobStatus job, Find(name));
    // A client that may change the Job must not make this process write anywhere else.
    if (!absl::StartsWith(job.log_path, options_.mount_path + "/") || absl::StrContains(job.log_path, "/../")) {
      job.log_path.clear();
    }
    return WatchFrom(name, job);
  }

  bool LaunchesReplicas() const override { return true; }

 private:
  absl::StatusOr<std::unique_ptr<Job>> WatchFrom(const std::string& name, const KubernetesJobStatus& job) const {
    SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<KubernetesClient> client, ClientOf(options_));
    return WatchKubernetesJob(name, job, options_, std::move(client));
  }

  // Returns the Job of this name. Errors: NotFound if there is none that a Semblance server made.
  absl::StatusOr<KubernetesJobStatus> Find(const std::string& name) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string answer, client_->Get(absl::StrCat(jobs_path_, "/", name)));
    SEMBLANCE_ASSIGN_OR_RETURN(KubernetesJobStatus job, ParseJob(answer));
    if (!job.is_ours) {
      return absl::NotFoundError(absl::StrCat("the Kubernetes Job ", name, " is not managed by ", kManagedBy));
    }
    return job;
  }

  absl::StatusOr<std::optional<KubernetesOwner>> Owner() {
    if (options_.owner_deployment.empty()) {
      return std::nullopt;
    }
    const absl::StatusOr<std::string> answer =
        client_->Get(absl::StrCat("/apis/apps/v1/namespaces/", options_.job_namespace, "/deployments/", options_.owner_deployment));
    if (!answer.ok()) {
      return WithContext(answer.status(), absl::StrCat("the Deployment ", options_.owner_deployment, " that is to own Jobs"));
    }
    // Its metadata has the form of a Job's.
    SEMBLANCE_ASSIGN_OR_RETURN(const KubernetesJobStatus deployment, ParseJob(*answer));
    return KubernetesOwner{.name = options_.owner_deployment, .uid = deployment.uid};
  }

  absl::Status ConnectReplicas(const KubernetesOwner& job, bool was_there) {
    const std::string path = absl::StrCat("/api/v1/namespaces/", options_.job_namespace, "/services");
    const absl::Status status = client_->Post(path, RenderReplicaService(job)).status();
    if (status.ok() || absl::IsAlreadyExists(status)) {
      return absl::OkStatus();
    }
    if (!was_there) {
      // Without the Service the replicas would wait for each other for ever. If the deletion fails too, the next Start under
      // this name uses the Job.
      (void)client_->Delete(absl::StrCat(jobs_path_, "/", job.name), RenderDeletion(job.uid, absl::ZeroDuration()));
    }
    return WithContext(status, absl::StrCat("cannot create the Kubernetes Service ", job.name));
  }

  const KubernetesOptions options_;
  const std::string jobs_path_;
  const std::unique_ptr<KubernetesClient> client_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<JobLauncher>> NewKubernetesJobLauncher(const KubernetesOptions& options) {
  SEMBLANCE_ASSIGN_OR_RETURN(KubernetesOptions filled, options.WithNamespace());
  SEMBLANCE_RETURN_IF_ERROR(filled.Validate());
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<KubernetesClient> client, ClientOf(filled));
  return std::make_unique<KubernetesJobLauncher>(std::move(filled), std::move(client));
}

}  // namespace semblance::service
