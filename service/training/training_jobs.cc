// Commands: what clients ask for. training_run.cc has what the threads do.
#include "service/training/training_jobs.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "service/training/log_tail.h"
#include "service/training/training_request.h"
#include "service/training/training_run.h"

namespace semblance::service {
namespace {

using storage::v1::JobManifest;
using storage::v1::JobRecord;

constexpr absl::Duration kRetry = absl::Seconds(1);

absl::Status NoSuchJob(const std::string& id) {
  return WithFieldPrefix(
      Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_JOB_NOT_FOUND, absl::StrCat("there is no job \"", id, "\"")), "job");
}

absl::Status WrongState(v1::ErrorReason reason, const TrainingInfo& info, absl::string_view hint) {
  return WithFieldPrefix(Error(absl::StatusCode::kFailedPrecondition, reason,
                               absl::StrCat("job ", info.id, " is ", TrainingStateName(info.state), hint)),
                         "job");
}

TrainingState StateOf(JobRecord::Phase phase) {
  switch (phase) {
    case JobRecord::PHASE_RUNNING:
      return TrainingState::kRunning;
    case JobRecord::PHASE_PUBLISHING:
      return TrainingState::kPublishing;
    case JobRecord::PHASE_SUCCEEDED:
      return TrainingState::kSucceeded;
    case JobRecord::PHASE_FAILED:
      return TrainingState::kFailed;
    case JobRecord::PHASE_CANCELLING:
      return TrainingState::kCancelling;
    case JobRecord::PHASE_CANCELLED:
      return TrainingState::kCancelled;
    default:
      return TrainingState::kQueued;
  }
}

void SetRecord(const JobRecord& record, TrainingInfo* info) {
  info->state = StateOf(record.phase());
  info->reason = record.reason();
  info->attempt = record.attempt();
  info->model = record.model();
  info->generation = record.generation();
}

// The time of a record; now where it has none.
absl::Time TimeOf(const std::string& text) {
  absl::Time time;
  return absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) ? time : absl::Now();
}

TrainingInfo InfoOf(const JobManifest& manifest, v1::TrainingConfig config, const JobRecord& record) {
  TrainingInfo info;
  info.id = manifest.id();
  info.config = std::move(config);
  info.from_catalog = manifest.from_catalog();
  info.on_success = OnSuccessOf(manifest.on_success());
  info.replicas = manifest.replicas();
  info.create_time = TimeOf(manifest.create_time());
  info.state_time = TimeOf(record.time());
  SetRecord(record, &info);
  return info;
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
                           const TrainingPublication* publication)
    : options_(std::move(options)), store_(std::move(store)), launcher_(launcher), publication_(publication) {}

TrainingJobs::~TrainingJobs() {
  Shutdown();
}

absl::Status TrainingJobs::Start() {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, store_.List());
  for (const std::string& id : ids) {
    TakeUp(id);
  }
  started_ = true;
  for (int i = 0; i < options_.config.max_running(); ++i) {
    threads_.emplace_back([this] { RunThread(); });
  }
  return absl::OkStatus();
}

void TrainingJobs::Shutdown() {
  stopping_.request_stop();
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

absl::Status TrainingJobs::CheckStarted() const {
  return started_
             ? absl::OkStatus()
             : WithRetryDelay(
                   Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_NO_ACTIVE_GENERATION, "the server is starting"), kRetry);
}

absl::Status TrainingJobs::CheckRunning() const {
  return stopping_.stop_requested()
             ? WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING, "the server is shutting down"),
                              kRetry)
             : CheckStarted();
}

void TrainingJobs::TakeUp(const std::string& id) {
  const absl::StatusOr<JobManifest> manifest = store_.ReadManifest(id);
  absl::StatusOr<v1::TrainingConfig> config = store_.ReadConfig(id);
  const absl::StatusOr<JobRecord> record = store_.ReadRecord(id);
  for (const absl::Status& status : {manifest.status(), config.status(), record.status()}) {
    if (!status.ok()) {
      // One damaged record harms no other job, and can be deleted.
      LOG(ERROR) << "job " << id << ": " << status;
      TrainingInfo info;
      info.id = id;
      info.state = TrainingState::kFailed;
      info.reason = status.ToString();
      table_.Insert(id, std::move(info));
      return;
    }
  }
  TrainingInfo info = InfoOf(*manifest, *std::move(config), *record);
  info.progress = store_.ReadProgress(id);
  const TrainingState state = info.state;
  table_.Insert(id, std::move(info));
  if (!HasEnded(state)) {
    Enqueue(id, state == TrainingState::kCancelling, /*first=*/state != TrainingState::kQueued);
  }
}

void TrainingJobs::Enqueue(const std::string& id, bool cancelled, bool first) {
  {
    MutexLock lock(&mutex_);
    std::stop_source cancellation;
    if (cancelled) {
      cancellation.request_stop();
    }
    cancellations_[id] = cancellation;
    queue_.insert(first ? queue_.begin() : queue_.end(), Work{.id = id, .cancelled = std::move(cancellation)});
  }
  changed_.notify_all();
}

void TrainingJobs::RunThread() {
  while (true) {
    Work work;
    {
      MutexLock lock(&mutex_);
      while (queue_.empty() && !stopping_.stop_requested()) {
        changed_.wait_for(mutex_, std::chrono::milliseconds(100));
      }
      if (stopping_.stop_requested()) {
        return;
      }
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    Process(work);
  }
}

void TrainingJobs::Process(const Work& work) {
  const std::string& id = work.id;
  const absl::StatusOr<JobManifest> manifest = store_.ReadManifest(id);
  absl::StatusOr<JobRecord> record = store_.ReadRecord(id);
  if (!manifest.ok() || !record.ok()) {
    const std::string reason = (manifest.ok() ? record.status() : manifest.status()).ToString();
    LOG(ERROR) << "job " << id << ": " << reason;
    table_.Update(id, [&](TrainingInfo& info) {
      info.state = TrainingState::kFailed;
      info.reason = reason;
    });
    MutexLock lock(&mutex_);
    cancellations_.erase(id);
    return;
  }
  TrainingRun run({.config = &options_.config, .stop_grace = options_.stop_grace, .retry_delay = options_.retry_delay}, &store_,
                  launcher_, publication_, *manifest, *record);
  run.Execute({
      .cancelled = work.cancelled.get_token(),
      .stopping = stopping_.get_token(),
      .on_record = [this, &id](const JobRecord& changed) { Show(id, changed); },
      .on_progress =
          [this, &id](const storage::v1::TrainerProgress& progress) {
            table_.Update(id, [&](TrainingInfo& info) { info.progress = progress; });
          },
      .conclude =
          [this, &id] {
            MutexLock lock(&mutex_);
            cancellations_.erase(id);
          },
  });
}

void TrainingJobs::Show(const std::string& id, const JobRecord& record) {
  table_.Update(id, [&](TrainingInfo& info) {
    if (info.state != StateOf(record.phase())) {
      LOG(INFO) << "job " << id << ": " << TrainingStateName(StateOf(record.phase())) << (record.reason().empty() ? "" : ": ")
                << record.reason();
      info.state_time = absl::Now();
    }
    SetRecord(record, &info);
  });
}

absl::StatusOr<TrainingInfo> TrainingJobs::Find(const std::string& id) const {
  std::optional<TrainingInfo> info = table_.Find(id);
  return info.has_value() ? absl::StatusOr<TrainingInfo>(*std::move(info)) : NoSuchJob(id);
}

absl::StatusOr<TrainingInfo> TrainingJobs::Get(const std::string& id) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckStarted());
  return Find(id);
}

absl::StatusOr<std::vector<TrainingInfo>> TrainingJobs::List() const {
  SEMBLANCE_RETURN_IF_ERROR(CheckStarted());
  return table_.List();
}

absl::StatusOr<std::optional<TrainingInfo>> TrainingJobs::FindRequest(const TrainingSpec& spec, const std::string& digest) const {
  if (spec.request_id.empty()) {
    return std::nullopt;
  }
  for (TrainingInfo& info : table_.List()) {
    const absl::StatusOr<JobManifest> manifest = store_.ReadManifest(info.id);
    if (!manifest.ok() || manifest->request_id() != spec.request_id) {
      continue;
    }
    if (manifest->request_digest() != digest) {
      return WithFieldPrefix(Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_REQUEST_ID_REUSED,
                                   absl::StrCat("request_id came before with another request; it made ", info.id)),
                             "request_id");
    }
    return std::optional(std::move(info));
  }
  return std::nullopt;
}

absl::StatusOr<TrainingInfo> TrainingJobs::Create(const TrainingSpec& spec) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  MutexLock command(&command_mutex_);
  const std::string digest = DigestOf(spec);
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<TrainingInfo> before, FindRequest(spec, digest));
  if (before.has_value()) {
    return *std::move(before);
  }
  SEMBLANCE_ASSIGN_OR_RETURN(v1::TrainingConfig config, CheckedTrainingConfig(spec, options_.data_root, store_.CatalogPath()));
  if (spec.from_catalog && !options_.has_labeled_items()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NO_LABELED_ITEMS,
                 "no item of the catalog has a label: upsert items with labels first");
  }
  if (options_.config.threads() > 0) {
    config.set_compute_threads(options_.config.threads());
    config.set_loader_threads(options_.config.threads());
  }
  {
    MutexLock lock(&mutex_);
    if (queue_.size() >= static_cast<size_t>(options_.config.max_queued())) {
      return WithRetryDelay(
          Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL,
                absl::StrCat(queue_.size(), " jobs wait; training_jobs.max_queued is ", options_.config.max_queued())),
          absl::Minutes(1));
    }
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const JobManifest manifest, store_.Create(ManifestOf(spec, digest), std::move(config)));
  SEMBLANCE_ASSIGN_OR_RETURN(v1::TrainingConfig stored, store_.ReadConfig(manifest.id()));
  JobRecord record;
  record.set_phase(JobRecord::PHASE_QUEUED);
  TrainingInfo info = InfoOf(manifest, std::move(stored), record);
  table_.Insert(manifest.id(), info);
  Enqueue(manifest.id(), /*cancelled=*/false, /*first=*/false);
  return info;
}

absl::StatusOr<TrainingInfo> TrainingJobs::Cancel(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  MutexLock command(&command_mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainingInfo info, Find(id));
  if (info.state == TrainingState::kCancelled) {
    return info;
  }
  MutexLock lock(&mutex_);
  const auto found = cancellations_.find(id);
  if (found == cancellations_.end()) {
    return WrongState(v1::ERROR_REASON_JOB_ENDED, info, ": there is nothing to cancel");
  }
  SEMBLANCE_ASSIGN_OR_RETURN(JobRecord record, store_.ReadRecord(id));
  record.set_phase(JobRecord::PHASE_CANCELLING);
  record.set_reason("cancelled; its trainer writes a checkpoint");
  // Before it is on record: see TrainingRun::SetPhase.
  found->second.request_stop();
  SEMBLANCE_RETURN_IF_ERROR(store_.WriteRecord(id, record));
  // To the front: one that waits for a thread has nothing to wait for any more.
  const auto queued = std::find_if(queue_.begin(), queue_.end(), [&](const Work& work) { return work.id == id; });
  if (queued != queue_.end()) {
    queue_.erase(queued);
    cancellations_.erase(found);
    record.set_phase(JobRecord::PHASE_CANCELLED);
    record.set_reason("cancelled before it ran");
    SEMBLANCE_RETURN_IF_ERROR(store_.WriteRecord(id, record));
  }
  Show(id, record);
  return Find(id);
}

absl::StatusOr<TrainingInfo> TrainingJobs::Resume(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  MutexLock command(&command_mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainingInfo info, Find(id));
  if (info.state != TrainingState::kCancelled && info.state != TrainingState::kFailed) {
    return WrongState(v1::ERROR_REASON_JOB_NOT_RESUMABLE, info, "; only a cancelled or failed one can be resumed");
  }
  SEMBLANCE_ASSIGN_OR_RETURN(JobRecord record, store_.ReadRecord(id));
  record.set_phase(JobRecord::PHASE_QUEUED);
  record.set_reason("resumed");
  record.set_attempt(0);
  // A generation that failed is built anew.
  record.clear_generation();
  record.set_resume_count(record.resume_count() + 1);
  SEMBLANCE_RETURN_IF_ERROR(store_.WriteRecord(id, record));
  Show(id, record);
  Enqueue(id, /*cancelled=*/false, /*first=*/false);
  return Find(id);
}

absl::Status TrainingJobs::Delete(const std::string& id) {
  SEMBLANCE_RETURN_IF_ERROR(CheckRunning());
  MutexLock command(&command_mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainingInfo info, Find(id));
  if (!HasEnded(info.state)) {
    return WrongState(v1::ERROR_REASON_JOB_RUNNING, info, "; cancel it first");
  }
  SEMBLANCE_RETURN_IF_ERROR(store_.Remove(id));
  table_.Erase(id);
  return absl::OkStatus();
}

absl::StatusOr<LogLines> TrainingJobs::ReadLog(const std::string& id, int64_t offset, int max_lines) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckStarted());
  return ReadLogLines(store_.LogPath(id), offset, max_lines);
}

absl::StatusOr<int64_t> TrainingJobs::AddObserver(const std::string& id, Observer observer) {
  SEMBLANCE_RETURN_IF_ERROR(CheckStarted());
  const std::optional<int64_t> token = table_.AddObserver(id, std::move(observer));
  return token.has_value() ? absl::StatusOr<int64_t>(*token) : NoSuchJob(id);
}

}  // namespace semblance::service
