#include "service/training/training_store.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json_record.h"
#include "common/logging.h"
#include "common/text_proto.h"
#include "embedder/bundle/bundle.h"

namespace semblance::service {
namespace {

using storage::v1::JobCounter;
using storage::v1::JobManifest;
using storage::v1::JobRecord;
using storage::v1::TrainerProgress;

constexpr char kIdPrefix[] = "job-";

std::string IdOf(int64_t number) {
  return absl::StrFormat("%s%06d", kIdPrefix, number);
}

// The number of a job's id; 0 for a name that is no id.
int64_t NumberOf(absl::string_view id) {
  int64_t number = 0;
  absl::string_view digits = id;
  return absl::ConsumePrefix(&digits, kIdPrefix) && absl::SimpleAtoi(digits, &number) && number > 0 && IdOf(number) == id ? number
                                                                                                                          : 0;
}

// Replaces field names of earlier versions. TrainingStore has printed the text, so each field begins its own line.
std::string WithNewFieldNames(const std::string& text) {
  constexpr absl::string_view kOldName = "catalogue_path:";
  constexpr absl::string_view kNewName = "catalog_path:";
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (std::string& line : lines) {
    const size_t begin = line.find_first_not_of(' ');
    if (begin != std::string::npos && absl::StartsWith(absl::string_view(line).substr(begin), kOldName)) {
      line.replace(begin, kOldName.size(), kNewName.data(), kNewName.size());
    }
  }
  return absl::StrJoin(lines, "\n");
}

std::string Now() {
  return absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<TrainingStore> TrainingStore::Open(const std::string& data_dir) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(data_dir, error);
  if (error) {
    return ErrnoError(error.value(), data_dir);
  }
  TrainingStore store(absolute.lexically_normal().string());
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(store.JobsDir()));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(store.JobsDir()));
  for (const std::string& name : names) {
    if (NumberOf(name) != 0 && !PathExists(store.FileOf(name, "manifest.json"))) {
      LOG(WARNING) << "removing " << name << ": its creation or removal was interrupted";
      SEMBLANCE_RETURN_IF_ERROR(RemoveAll(store.JobsDir() + "/" + name));
    } else if (NumberOf(name) != 0) {
      if (const absl::Status status = store.UpgradeConfig(name); !status.ok()) {
        LOG(WARNING) << "the configuration of " << name << " stays as it is: " << status;
      }
    }
  }
  return store;
}

absl::StatusOr<std::vector<std::string>> TrainingStore::List() const {
  SEMBLANCE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(JobsDir()));
  names.erase(
      std::remove_if(names.begin(), names.end(),
                     [this](const std::string& name) { return NumberOf(name) == 0 || !PathExists(FileOf(name, "manifest.json")); }),
      names.end());
  return names;
}

absl::StatusOr<int64_t> TrainingStore::TakeNumber() const {
  const std::string path = JobsDir() + "/last.json";
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<JobCounter> counter, ReadJsonRecordIfThere<JobCounter>(path));
  JobCounter next;
  next.set_last_number(counter.has_value() ? counter->last_number() + 1 : 1);
  SEMBLANCE_RETURN_IF_ERROR(WriteJsonRecord(path, next));
  return next.last_number();
}

absl::StatusOr<JobManifest> TrainingStore::Create(JobManifest manifest, v1::TrainingConfig config) const {
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t number, TakeNumber());
  manifest.set_id(IdOf(number));
  manifest.set_create_time(Now());
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(JobsDir() + "/" + manifest.id()));
  const absl::Status status = Fill(manifest, std::move(config));
  if (!status.ok()) {
    // Best effort, because the next Open tries again.
    RemoveAll(JobsDir() + "/" + manifest.id()).IgnoreError();
    return status;
  }
  return manifest;
}

absl::Status TrainingStore::Fill(const JobManifest& manifest, v1::TrainingConfig config) const {
  const std::string& id = manifest.id();
  config.set_output_dir(BundleDir(id));
  std::string text;
  if (!google::protobuf::TextFormat::PrintToString(config, &text)) {
    return absl::InternalError("the config cannot be printed");
  }
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(ConfigPath(id), text));
  JobRecord record;
  record.set_phase(JobRecord::PHASE_QUEUED);
  SEMBLANCE_RETURN_IF_ERROR(WriteRecord(id, std::move(record)));
  // The manifest comes last, because the job exists from then on.
  SEMBLANCE_RETURN_IF_ERROR(WriteJsonRecord(FileOf(id, "manifest.json"), manifest));
  return SyncDirectory(JobsDir());
}

absl::StatusOr<JobManifest> TrainingStore::ReadManifest(const std::string& id) const {
  return ReadJsonRecord<JobManifest>(FileOf(id, "manifest.json"));
}

absl::StatusOr<v1::TrainingConfig> TrainingStore::ReadConfig(const std::string& id) const {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(ConfigPath(id)));
  v1::TrainingConfig config;
  SEMBLANCE_RETURN_IF_ERROR(ParseTextProto(text, ConfigPath(id), &config));
  return config;
}

absl::Status TrainingStore::UpgradeConfig(const std::string& id) const {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(ConfigPath(id)));
  const std::string upgraded = WithNewFieldNames(text);
  return upgraded == text ? absl::OkStatus() : WriteFileAtomically(ConfigPath(id), upgraded);
}

absl::StatusOr<JobRecord> TrainingStore::ReadRecord(const std::string& id) const {
  return ReadJsonRecord<JobRecord>(FileOf(id, "state.json"));
}

absl::Status TrainingStore::WriteRecord(const std::string& id, JobRecord record) const {
  record.set_time(Now());
  return WriteJsonRecord(FileOf(id, "state.json"), std::move(record));
}

TrainerProgress TrainingStore::ReadProgress(const std::string& id) const {
  return ReadJsonRecord<TrainerProgress>(FileOf(id, "model.checkpoints/progress.json")).value_or(TrainerProgress());
}

bool TrainingStore::HasBundle(const std::string& id) const {
  return PathExists(absl::StrCat(BundleDir(id), "/", embedder::kBundleManifestFile));
}

absl::Status TrainingStore::Remove(const std::string& id) const {
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(FileOf(id, "manifest.json")));
  SEMBLANCE_RETURN_IF_ERROR(SyncDirectory(JobsDir() + "/" + id));
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(JobsDir() + "/" + id));
  return SyncDirectory(JobsDir());
}

}  // namespace semblance::service
