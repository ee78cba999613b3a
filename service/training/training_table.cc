#include "service/training/training_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "service/training/training_states.h"

namespace semblance::service {
namespace {

using storage::v1::JobManifest;
using storage::v1::JobRecord;

absl::Status NoSuchJob(const std::string& id) {
  return WithFieldPrefix(
      Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_JOB_NOT_FOUND, absl::StrCat("there is no job \"", id, "\"")), "job");
}

void CopyRecord(const JobRecord& record, TrainingInfo& info) {
  info.state = TrainingStateOf(record.phase());
  info.reason = record.reason();
  info.attempt = record.attempt();
  info.model = record.model();
  info.generation = record.generation();
}

// The time of a record, or `otherwise` where the record has none.
absl::Time TimeOf(const std::string& text, absl::Time otherwise) {
  absl::Time time;
  return absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) ? time : otherwise;
}

}  // namespace

TrainingState TrainingTable::Load(const std::string& id) {
  MutexLock lock(&mutex_);
  const absl::StatusOr<JobManifest> manifest = store_->ReadManifest(id);
  absl::StatusOr<v1::TrainingConfig> config = store_->ReadConfig(id);
  const absl::StatusOr<JobRecord> record = store_->ReadRecord(id);
  for (const absl::Status& status : {manifest.status(), config.status(), record.status()}) {
    if (!status.ok()) {
      LOG(ERROR) << "job " << id << ": " << status;
      entries_[id] = {.manifest = {}, .record = {}, .damage = status};
      return ShowDamage(id, status);
    }
  }
  TrainingInfo info;
  info.id = id;
  info.config = *std::move(config);
  info.from_catalog = manifest->from_catalog();
  info.on_success = OnSuccessOf(manifest->on_success());
  info.replicas = manifest->replicas();
  info.create_time = TimeOf(manifest->create_time(), clock_->Now());
  info.state_time = TimeOf(record->time(), clock_->Now());
  info.progress = store_->ReadProgress(id);
  CopyRecord(*record, info);
  const TrainingState state = info.state;
  entries_[id] = {.manifest = *manifest, .record = *record, .damage = absl::OkStatus()};
  table_.Insert(id, std::move(info));
  return state;
}

TrainingState TrainingTable::ShowDamage(const std::string& id, const absl::Status& damage) {
  TrainingInfo info;
  info.id = id;
  info.state = TrainingState::kFailed;
  info.reason = damage.ToString();
  table_.Insert(id, std::move(info));
  return TrainingState::kFailed;
}

absl::StatusOr<TrainingTable::Entry*> TrainingTable::FindFor(const std::string& id, TrainingState to) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) {
    return NoSuchJob(id);
  }
  SEMBLANCE_RETURN_IF_ERROR(found->second.damage);
  const TrainingState from = TrainingStateOf(found->second.record.phase());
  if (!IsAllowed(kTrainingTransitions, from, to)) {
    return absl::FailedPreconditionError(
        absl::StrCat("job ", id, " is ", TrainingStateName(from), " and cannot become ", TrainingStateName(to)));
  }
  return &found->second;
}

absl::Status TrainingTable::Transition(const std::string& id, TrainingState to, const std::string& reason, const Change& change) {
  MutexLock lock(&mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(Entry* const entry, FindFor(id, to));
  JobRecord record = entry->record;
  record.set_phase(PhaseOf(to));
  record.set_reason(reason);
  if (change) {
    change(record);
  }
  SEMBLANCE_RETURN_IF_ERROR(store_->WriteRecord(id, record));
  entry->record = record;
  Show(id, record);
  return absl::OkStatus();
}

absl::Status TrainingTable::End(const std::string& id, TrainingState to, const std::string& reason) {
  MutexLock lock(&mutex_);
  SEMBLANCE_ASSIGN_OR_RETURN(Entry* const entry, FindFor(id, to));
  entry->record.set_phase(PhaseOf(to));
  entry->record.set_reason(reason);
  if (const absl::Status status = store_->WriteRecord(id, entry->record); !status.ok()) {
    LOG(ERROR) << "the end of job " << id << " cannot be recorded; after a restart it runs again: " << status;
  }
  Show(id, entry->record);
  return absl::OkStatus();
}

void TrainingTable::Show(const std::string& id, const JobRecord& record) {
  table_.Update(id, [&](TrainingInfo& info) {
    const TrainingState state = TrainingStateOf(record.phase());
    if (info.state != state) {
      LOG(INFO) << "job " << id << ": " << TrainingStateName(state) << (record.reason().empty() ? "" : ": ") << record.reason();
      info.state_time = clock_->Now();
    }
    CopyRecord(record, info);
  });
}

void TrainingTable::ShowReason(const std::string& id, const std::string& reason) {
  MutexLock lock(&mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.record.reason() == reason) {
    return;
  }
  found->second.record.set_reason(reason);
  Show(id, found->second.record);
}

void TrainingTable::ShowProgress(const std::string& id, const storage::v1::TrainerProgress& progress) {
  table_.Update(id, [&progress](TrainingInfo& info) { info.progress = progress; });
}

absl::StatusOr<TrainingInfo> TrainingTable::Find(const std::string& id) const {
  std::optional<TrainingInfo> info = table_.Find(id);
  return info.has_value() ? absl::StatusOr<TrainingInfo>(*std::move(info)) : NoSuchJob(id);
}

JobManifest TrainingTable::Manifest(const std::string& id) const {
  MutexLock lock(&mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? JobManifest() : found->second.manifest;
}

JobRecord TrainingTable::Record(const std::string& id) const {
  MutexLock lock(&mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? JobRecord() : found->second.record;
}

void TrainingTable::Erase(const std::string& id) {
  MutexLock lock(&mutex_);
  entries_.erase(id);
  table_.Erase(id);
}

absl::StatusOr<int64_t> TrainingTable::AddObserver(const std::string& id, Observer observer) {
  const std::optional<int64_t> token = table_.AddObserver(id, std::move(observer));
  return token.has_value() ? absl::StatusOr<int64_t>(*token) : NoSuchJob(id);
}

}  // namespace semblance::service
