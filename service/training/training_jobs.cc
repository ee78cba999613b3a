#include "service/training/training_jobs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "service/training/log_tail.h"
#include "service/training/training_request.h"
#include "service/training/training_run.h"

namespace semblance::service {
namespace {

using storage::v1::JobManifest;
using storage::v1::JobRecord;

absl::Status WrongState(v1::ErrorReason reason, const TrainingInfo& info, absl::string_view hint) {
  return WithFieldPrefix(Error(absl::StatusCode::kFailedPrecondition, reason,
                               absl::StrCat("job ", info.id, " is ", TrainingStateName(info.state), hint)),
                         "job");
}

std::string DigestOf(const TrainingSpec& spec) {
  return Sha256Hex(absl::StrCat(spec.config.SerializeAsString(), "\n", spec.from_catalog, "\n", OnSuccessName(spec.on_success),
                                "\n", spec.replicas, "\n", spec.recall_tolerance, "\n", spec.index_factory));
}

JobManifest ManifestOf(const TrainingSpec& spec, const std::string& digest) {
  JobManifest manifest;
  manifest.set_model_name(spec.config.model_name());
  manifest.set_from_catalog(spec.from_catalog);
  manifest.set_on_success(std::string(OnSuccessName(spec.on_success)));
  manifest.set_replicas(std::max(1, spec.replicas));
  manifest.set_recall_tolerance(spec.recall_tolerance);
  manifest.set_index_factory(spec.index_factory);
  manifest.set_request_id(spec.request_id);
  manifest.set_request_digest(digest);
  return manifest;
}

}  // namespace

TrainingJobs::TrainingJobs(TrainingJobsOptions options, TrainingStore store, JobLauncher* launcher,
                           const TrainingPublication* publication, Clock* clock)
    : options_(std::move(options)),
      store_(std::move(store)),
      launcher_(launcher),
      publication_(publication),
      clock_(clock),
      table_(&store_, clock),
      queue_({.name = "training", .worker_count = options_.config.max_running(), .on_worker_start = {}},
             [this](DurableQueue::Task& task) { Run(task); }) {}

TrainingJobs::~TrainingJobs() {
  Shutdown();
}

absl::Status TrainingJobs::Start() {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, store_.List());
  for (const std::string& id : ids) {
    const TrainingState state = table_.Load(id);
    if (!HasEnded(state)) {
      // Jobs that an earlier server had begun come before those that only waited.
      queue_.Add(id, state == TrainingState::kQueued ? DurableQueue::Place::kLast : DurableQueue::Place::kFirst);
    }
  }
  queue_.Start();
  return absl::OkStatus();
}

void TrainingJobs::Run(DurableQueue::Task& task) {
  TrainingRun({.config = &options_.config,
               .store = &store_,
               .table = &table_,
               .launcher = launcher_,
               .publication = publication_,
               .clock = clock_,
               .stop_grace = options_.stop_grace,
               .retry_delay = options_.retry_delay},
              &task)
      .Execute();
}

absl::StatusOr<TrainingInfo> TrainingJobs::Get(const std::string& id) const {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckStarted());
  return table_.Find(id);
}

absl::StatusOr<std::vector<TrainingInfo>> TrainingJobs::List() const {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckStarted());
  return table_.List();
}

absl::StatusOr<std::optional<TrainingInfo>> TrainingJobs::FindRequest(const std::string& request_id,
                                                                      const std::string& digest) const {
  if (request_id.empty()) {
    return std::nullopt;
  }
  for (TrainingInfo& info : table_.List()) {
    const JobManifest manifest = table_.Manifest(info.id);
    if (manifest.request_id() != request_id) {
      continue;
    }
    if (manifest.request_digest() != digest) {
      return WithFieldPrefix(Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_REQUEST_ID_REUSED,
                                   absl::StrCat("request_id came before with another request; it made ", info.id)),
                             "request_id");
    }
    return std::optional(std::move(info));
  }
  return std::nullopt;
}

absl::StatusOr<v1::TrainingConfig> TrainingJobs::CheckedConfig(const TrainingSpec& spec) const {
  SEMBLANCE_ASSIGN_OR_RETURN(v1::TrainingConfig config, CheckedTrainingConfig(spec, options_.data_root, store_.CatalogPath()));
  if (spec.from_catalog && !options_.has_labeled_items()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NO_LABELED_ITEMS,
                 "no item of the catalog has a label: upsert items with labels first");
  }
  if (options_.config.threads() > 0) {
    config.set_compute_threads(options_.config.threads());
    config.set_loader_threads(options_.config.threads());
  }
  return config;
}

absl::StatusOr<TrainingInfo> TrainingJobs::Create(const TrainingSpec& spec) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  MutexLock command(&command_mutex_);
  const std::string digest = DigestOf(spec);
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<TrainingInfo> before, FindRequest(spec.request_id, digest));
  if (before.has_value()) {
    return *std::move(before);
  }
  SEMBLANCE_ASSIGN_OR_RETURN(v1::TrainingConfig config, CheckedConfig(spec));
  if (const size_t waiting = queue_.waiting_count(); waiting >= static_cast<size_t>(options_.config.max_queued())) {
    return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL,
                                absl::StrCat(waiting, " jobs wait; training_jobs.max_queued is ", options_.config.max_queued())),
                          absl::Minutes(1));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const JobManifest manifest, store_.Create(ManifestOf(spec, digest), std::move(config)));
  table_.Load(manifest.id());
  absl::StatusOr<TrainingInfo> created = table_.Find(manifest.id());
  queue_.Add(manifest.id());
  return created;
}

absl::StatusOr<TrainingInfo> TrainingJobs::Cancel(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  MutexLock command(&command_mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainingInfo info, table_.Find(id));
  if (info.state == TrainingState::kCancelled || info.state == TrainingState::kCancelling) {
    return info;
  }
  if (info.state == TrainingState::kQueued && queue_.Withdraw(id)) {
    if (const absl::Status status = table_.Transition(id, TrainingState::kCancelled, "cancelled before it ran"); !status.ok()) {
      queue_.Add(id);
      return status;
    }
    return table_.Find(id);
  }
  const absl::Status status = table_.Transition(id, TrainingState::kCancelling, "cancelled; its trainer writes a checkpoint");
  if (absl::IsFailedPrecondition(status)) {
    SEMBLANCE_ASSIGN_OR_RETURN(const TrainingInfo ended, table_.Find(id));
    return WrongState(v1::ERROR_REASON_JOB_ENDED, ended, ": there is nothing to cancel");
  }
  SEMBLANCE_RETURN_IF_ERROR(status);
  // False for a job that is about to end; its worker cannot record another end than CANCELLED any more.
  queue_.Cancel(id);
  return table_.Find(id);
}

absl::StatusOr<TrainingInfo> TrainingJobs::Resume(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  MutexLock command(&command_mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainingInfo info, table_.Find(id));
  if (!IsAllowed(kTrainingTransitions, info.state, TrainingState::kQueued)) {
    return WrongState(v1::ERROR_REASON_JOB_NOT_RESUMABLE, info, "; only a cancelled or failed one can be resumed");
  }
  SEMBLANCE_RETURN_IF_ERROR(table_.Transition(id, TrainingState::kQueued, "resumed", [](JobRecord& record) {
    record.set_attempt(0);
    // A new generation is built in place of one that failed.
    record.clear_generation();
    record.set_resume_count(record.resume_count() + 1);
  }));
  absl::StatusOr<TrainingInfo> resumed = table_.Find(id);
  queue_.Add(id);
  return resumed;
}

absl::Status TrainingJobs::Delete(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckRunning());
  MutexLock command(&command_mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainingInfo info, table_.Find(id));
  if (!HasEnded(info.state)) {
    return WrongState(v1::ERROR_REASON_JOB_RUNNING, info, "; cancel it first");
  }
  SEMBLANCE_RETURN_IF_ERROR(store_.Remove(id));
  table_.Erase(id);
  return absl::OkStatus();
}

absl::StatusOr<LogLines> TrainingJobs::ReadLog(const std::string& id, int64_t offset, int max_lines) const {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckStarted());
  return ReadLogLines(store_.LogPath(id), offset, max_lines);
}

absl::StatusOr<int64_t> TrainingJobs::AddObserver(const std::string& id, Observer observer) {
  SEMBLANCE_RETURN_IF_ERROR(queue_.CheckStarted());
  return table_.AddObserver(id, std::move(observer));
}

}  // namespace semblance::service
