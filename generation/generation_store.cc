#include "generation/generation_store.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json_record.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "embedder/bundle/bundle.h"
#include "google/protobuf/util/json_util.h"

namespace semblance::generation {
namespace {

using ::semblance::storage::v1::ActiveGeneration;
using ::semblance::storage::v1::BuildManifest;
using ::semblance::storage::v1::BuildProgress;
using ::semblance::storage::v1::GenerationCounter;
using ::semblance::storage::v1::GenerationManifest;
using ::semblance::storage::v1::GenerationRecord;

constexpr char kIdPrefix[] = "gen-";

absl::Status Invalid(const std::string& path, absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_MANIFEST_INVALID, absl::StrCat(path, ": ", what));
}

std::string IdOf(int64_t number) {
  return absl::StrFormat("%s%06d", kIdPrefix, number);
}

// Returns the number in "gen-000012"; 0 for any other text, such as a path.
int64_t NumberOf(absl::string_view id) {
  int64_t number = 0;
  absl::string_view digits = id;
  return absl::ConsumePrefix(&digits, kIdPrefix) && absl::SimpleAtoi(digits, &number) && number > 0 && IdOf(number) == id ? number
                                                                                                                          : 0;
}

absl::Status NoSuchGeneration(absl::string_view id) {
  return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_GENERATION_NOT_FOUND,
               absl::StrCat("there is no generation \"", id, "\""));
}

// Checks an id, because ids come from clients and become parts of paths.
absl::Status CheckId(absl::string_view id) {
  return NumberOf(id) != 0 ? absl::OkStatus() : NoSuchGeneration(id);
}

std::string Now() {
  return absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<GenerationStore> GenerationStore::Open(const std::string& data_dir) {
  GenerationStore store(data_dir);
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(store.GenerationsDir()));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(store.GenerationsDir()));
  for (const std::string& name : names) {
    // Only a manifest that does not exist makes a leftover. One that cannot be read does not.
    if (NumberOf(name) == 0 || !absl::IsNotFound(FileSize(store.ManifestPath(name)).status())) {
      continue;
    }
    LOG(WARNING) << "removing " << name << ": its creation or removal was interrupted";
    if (const absl::Status status = RemoveAll(store.Dir(name)); !status.ok()) {
      LOG(ERROR) << "the files of " << name << " stay: " << status;
    }
  }
  return store;
}

absl::StatusOr<std::vector<StoredGeneration>> GenerationStore::List() const {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(GenerationsDir()));
  std::vector<StoredGeneration> generations;
  for (const std::string& name : names) {
    absl::StatusOr<GenerationManifest> manifest = ReadManifest(name);
    if (absl::IsNotFound(manifest.status())) {
      continue;  // This is no generation, or one that is being created or removed.
    }
    generations.push_back(Describe(name, std::move(manifest)));
  }
  return generations;
}

StoredGeneration GenerationStore::Describe(const std::string& id, absl::StatusOr<GenerationManifest> manifest) const {
  StoredGeneration stored;
  stored.damage = manifest.status();
  if (manifest.ok()) {
    stored.manifest = *std::move(manifest);
  } else {
    stored.manifest.set_id(id);
  }
  absl::StatusOr<GenerationRecord> record = ReadState(id, stored.manifest.create_time());
  stored.damage.Update(record.status());
  if (record.ok()) {
    stored.record = *std::move(record);
  }
  // A generation that is retiring stays so, damaged or not.
  if (!stored.damage.ok() && stored.record.phase() != GenerationRecord::PHASE_RETIRING) {
    stored.record.set_phase(GenerationRecord::PHASE_FAILED);
    stored.record.set_reason(stored.damage.ToString());
  }
  return stored;
}

absl::StatusOr<GenerationManifest> GenerationStore::ReadManifest(const std::string& generation_id) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckId(generation_id));
  const std::string path = ManifestPath(generation_id);
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<GenerationManifest> manifest, ReadJsonRecordIfThere<GenerationManifest>(path));
  if (!manifest.has_value()) {
    return NoSuchGeneration(generation_id);
  }
  if (manifest->id() != generation_id) {
    return Invalid(path, absl::StrCat("id is \"", manifest->id(), "\" in the directory \"", generation_id, "\""));
  }
  return *std::move(manifest);
}

absl::StatusOr<std::optional<GenerationManifest>> GenerationStore::FindBySpace(const std::string& embedding_space_id) const {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<StoredGeneration> generations, List());
  for (auto stored = generations.rbegin(); stored != generations.rend(); ++stored) {
    if (stored->manifest.embedding_space_id() == embedding_space_id && stored->record.phase() == GenerationRecord::PHASE_READY) {
      return std::optional<GenerationManifest>(stored->manifest);
    }
  }
  return std::optional<GenerationManifest>();
}

absl::StatusOr<int64_t> GenerationStore::TakeNumber() const {
  const std::string path = absl::StrCat(GenerationsDir(), "/last.json");
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<GenerationCounter> counter, ReadJsonRecordIfThere<GenerationCounter>(path));
  int64_t last = counter.has_value() ? counter->last_number() : 0;
  // Data directories of older versions have no counter.
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(GenerationsDir()));
  for (const std::string& name : names) {
    last = std::max(last, NumberOf(name));
  }
  GenerationCounter next;
  next.set_last_number(last + 1);
  SEMBLANCE_RETURN_IF_ERROR(WriteJsonRecord(path, next));
  return last + 1;
}

absl::StatusOr<GenerationManifest> GenerationStore::Create(const std::string& bundle_dir, GenerationManifest manifest,
                                                           const GenerationRecord& record) const {
  SEMBLANCE_ASSIGN_OR_RETURN(const int64_t number, TakeNumber());
  const std::string id = IdOf(number);
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(Dir(id)));
  const absl::Status status = Fill(id, bundle_dir, record, &manifest);
  if (!status.ok()) {
    // Removal is best effort: the next Open tries again.
    RemoveAll(Dir(id)).IgnoreError();
    return status;
  }
  return manifest;
}

absl::Status GenerationStore::Fill(const std::string& id, const std::string& bundle_dir, const GenerationRecord& record,
                                   GenerationManifest* manifest) const {
  SEMBLANCE_RETURN_IF_ERROR(embedder::CopyBundle(bundle_dir, BundleDir(id)));
  // Reads the copy, because the original may change at any moment.
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::BundleManifest bundle, embedder::ReadBundleManifest(BundleDir(id)));
  manifest->set_format_version(kRecordFormatVersion);
  manifest->set_id(id);
  manifest->set_model(bundle.name());
  manifest->set_embedding_space_id(bundle.embedding_space_id());
  manifest->set_dimension(bundle.dimension());
  manifest->set_create_time(Now());
  // The manifest is written last, because the generation exists once it is there.
  SEMBLANCE_RETURN_IF_ERROR(WriteRecord(id, record));
  SEMBLANCE_RETURN_IF_ERROR(WriteJsonRecord(ManifestPath(id), *manifest));
  return SyncDirectory(GenerationsDir());
}

absl::Status GenerationStore::Remove(const std::string& generation_id) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckId(generation_id));
  if (PathExists(ManifestPath(generation_id))) {
    SEMBLANCE_RETURN_IF_ERROR(RemoveAll(ManifestPath(generation_id)));
    SEMBLANCE_RETURN_IF_ERROR(SyncDirectory(Dir(generation_id)));
  }
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(Dir(generation_id)));
  return SyncDirectory(GenerationsDir());
}

absl::Status GenerationStore::RemoveBuild(const std::string& generation_id) const {
  SEMBLANCE_RETURN_IF_ERROR(ReadManifest(generation_id).status());
  // build.json goes first, because it says that the index is complete.
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(FileOf(generation_id, "build.json")));
  SEMBLANCE_RETURN_IF_ERROR(SyncDirectory(Dir(generation_id)));
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(FileOf(generation_id, "progress.json")));
  return RemoveAll(IndexDir(generation_id));
}

absl::StatusOr<GenerationRecord> GenerationStore::ReadRecord(const std::string& generation_id) const {
  SEMBLANCE_ASSIGN_OR_RETURN(const GenerationManifest manifest, ReadManifest(generation_id));
  return ReadState(generation_id, manifest.create_time());
}

absl::StatusOr<GenerationRecord> GenerationStore::ReadState(const std::string& id, const std::string& create_time) const {
  const std::string path = FileOf(id, "state.json");
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<GenerationRecord> record, ReadJsonRecordIfThere<GenerationRecord>(path));
  if (!record.has_value()) {
    record.emplace();
    record->set_format_version(kRecordFormatVersion);
    record->set_phase(GenerationRecord::PHASE_READY);
    record->set_time(create_time);
  }
  if (record->phase() == GenerationRecord::PHASE_UNSPECIFIED) {
    return Invalid(path, "phase is missing");
  }
  return *std::move(record);
}

absl::Status GenerationStore::WriteRecord(const std::string& generation_id, GenerationRecord record) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckId(generation_id));
  record.set_time(Now());
  return WriteJsonRecord(FileOf(generation_id, "state.json"), record);
}

absl::StatusOr<std::optional<BuildManifest>> GenerationStore::ReadBuild(const std::string& generation_id) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckId(generation_id));
  return ReadJsonRecordIfThere<BuildManifest>(FileOf(generation_id, "build.json"));
}

absl::Status GenerationStore::WriteBuild(const std::string& generation_id, BuildManifest build) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckId(generation_id));
  return WriteJsonRecord(FileOf(generation_id, "build.json"), build);
}

absl::StatusOr<BuildProgress> GenerationStore::ReadProgress(const std::string& generation_id) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckId(generation_id));
  const absl::StatusOr<BuildProgress> progress = ReadJsonRecord<BuildProgress>(FileOf(generation_id, "progress.json"));
  if (absl::IsNotFound(progress.status()) || absl::IsDataLoss(progress.status())) {
    return BuildProgress();
  }
  return progress;
}

absl::Status GenerationStore::WriteProgress(const std::string& generation_id, BuildProgress progress) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckId(generation_id));
  const std::string path = FileOf(generation_id, "progress.json");
  const std::string temporary = path + ".tmp";
  progress.set_format_version(kRecordFormatVersion);
  std::string json;
  if (const auto status = google::protobuf::util::MessageToJsonString(progress, &json); !status.ok()) {
    return absl::InternalError(absl::StrCat(path, ": ", status.ToString()));
  }
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(temporary));  // A killed builder may have left it.
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> file, AppendFile::Open(temporary));
  SEMBLANCE_RETURN_IF_ERROR(file->Append(json));
  return std::rename(temporary.c_str(), path.c_str()) == 0 ? absl::OkStatus()
                                                           : ErrnoError(errno, absl::StrCat("cannot replace ", path));
}

absl::Status GenerationStore::RequestCancel(const std::string& generation_id) const {
  SEMBLANCE_RETURN_IF_ERROR(ReadManifest(generation_id).status());
  return WriteFileAtomically(FileOf(generation_id, "cancel"), "");
}

bool GenerationStore::CancelRequested(const std::string& generation_id) const {
  return PathExists(FileOf(generation_id, "cancel"));
}

absl::StatusOr<std::optional<ActiveGeneration>> GenerationStore::ReadActive() const {
  const std::string path = absl::StrCat(data_dir_, "/active.json");
  SEMBLANCE_ASSIGN_OR_RETURN(std::optional<ActiveGeneration> active, ReadJsonRecordIfThere<ActiveGeneration>(path));
  if (active.has_value()) {
    for (const std::string& id : {active->generation(), active->previous()}) {
      if (NumberOf(id) == 0 && !(id.empty() && !active->generation().empty())) {
        return Invalid(path, absl::StrCat("\"", id, "\" is no generation's id"));
      }
    }
  }
  return active;
}

absl::Status GenerationStore::WriteActive(const std::string& generation_id, const std::string& previous) const {
  SEMBLANCE_RETURN_IF_ERROR(CheckId(generation_id));
  ActiveGeneration active;
  active.set_generation(generation_id);
  active.set_previous(previous);
  return WriteJsonRecord(absl::StrCat(data_dir_, "/active.json"), active);
}

std::string GenerationStore::Dir(const std::string& generation_id) const {
  return absl::StrCat(GenerationsDir(), "/", generation_id);
}

std::string GenerationStore::BundleDir(const std::string& generation_id) const {
  return FileOf(generation_id, "bundle");
}

std::string GenerationStore::IndexDir(const std::string& generation_id) const {
  return FileOf(generation_id, "index");
}

std::string GenerationStore::LockPath(const std::string& generation_id) const {
  return FileOf(generation_id, "LOCK");
}

std::string GenerationStore::BuilderLogPath(const std::string& generation_id) const {
  return FileOf(generation_id, "builder.log");
}

std::string GenerationStore::GenerationsDir() const {
  return absl::StrCat(data_dir_, "/generations");
}

std::string GenerationStore::ManifestPath(const std::string& generation_id) const {
  return FileOf(generation_id, "manifest.json");
}

std::string GenerationStore::FileOf(const std::string& generation_id, const std::string& name) const {
  return absl::StrCat(Dir(generation_id), "/", name);
}

}  // namespace semblance::generation
