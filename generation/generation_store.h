// Generations on disk, and which of them is active.
//
//   DATA_DIR/active.json                     names the active generation and the one before; replaced atomically
//   DATA_DIR/generations/gen-000001/
//       manifest.json                        what it is made of; a directory without it is a leftover
//       state.json                           where it stands; without it (older versions) it is READY
//       bundle/                              the model bundle, checked when it was copied and again when it is loaded
//       index/                               see index/segmented_index.h
//       build.json, progress.json, LOCK, builder.log    semblance-builder's
//       cancel                               asks semblance-builder to stop
//
// Thread-safe, but for Create, of which one call runs at a time: no state in memory. One process writes (the one that holds the
// data directory's lock), but for build.json and progress.json, which are semblance-builder's. Ids are never given out twice.
//
// Errors: I/O errors; NotFound/GENERATION_NOT_FOUND, also for what is no id; DataLoss/MANIFEST_INVALID for a file that cannot be
// read.
#ifndef SEMBLANCE_GENERATION_GENERATION_STORE_H_
#define SEMBLANCE_GENERATION_GENERATION_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/generation.pb.h"

namespace semblance::generation {

// A generation as it lies on disk. One that is damaged is one, too: it is FAILED, and can be removed.
struct StoredGeneration {
  // Nothing but its id where manifest.json cannot be read.
  storage::v1::GenerationManifest manifest;
  // Where `damage` is an error: PHASE_FAILED with it as the reason; PHASE_RETIRING stays what it is.
  storage::v1::GenerationRecord record;
  // Which of manifest.json and state.json cannot be read, and why.
  absl::Status damage;
};

class GenerationStore {
 public:
  // Creates the directories and removes what an interrupted Create or Remove left behind, as far as it can be removed. For the
  // process that holds the lock.
  static absl::StatusOr<GenerationStore> Open(const std::string& data_dir);

  // Without touching anything: for semblance-builder.
  static GenerationStore OpenForBuilder(const std::string& data_dir) { return GenerationStore(data_dir); }

  // By ascending id; without what is being created or removed. One that is damaged is no error.
  absl::StatusOr<std::vector<StoredGeneration>> List() const;

  absl::StatusOr<storage::v1::GenerationManifest> ReadManifest(const std::string& generation_id) const;

  // The newest generation of that embedding space whose phase is READY; nullopt where there is none.
  absl::StatusOr<std::optional<storage::v1::GenerationManifest>> FindBySpace(const std::string& embedding_space_id) const;

  // A new generation with a copy of the bundle and no index yet, durable when it returns, in the phase `record` says. `manifest`
  // has what the bundle does not say (model_version, index_factory, request, gates, policy); the rest is filled in. Errors: as of
  // ReadBundle.
  absl::StatusOr<storage::v1::GenerationManifest> Create(const std::string& bundle_dir, storage::v1::GenerationManifest manifest,
                                                         const storage::v1::GenerationRecord& record) const;

  // Removes all of it, the manifest first, so that an interrupted Remove is finished by Open. What does not exist is no error.
  absl::Status Remove(const std::string& generation_id) const;
  // Removes index/ and what semblance-builder wrote, but for its log. REQUIRES: no builder runs.
  absl::Status RemoveBuild(const std::string& generation_id) const;

  // PHASE_READY without a state.json.
  absl::StatusOr<storage::v1::GenerationRecord> ReadRecord(const std::string& generation_id) const;
  // Durable when it returns. format_version and time are filled in.
  absl::Status WriteRecord(const std::string& generation_id, storage::v1::GenerationRecord record) const;

  // nullopt before the build is complete.
  absl::StatusOr<std::optional<storage::v1::BuildManifest>> ReadBuild(const std::string& generation_id) const;
  // Durable when it returns. format_version is filled in.
  absl::Status WriteBuild(const std::string& generation_id, storage::v1::BuildManifest build) const;

  // An empty message while there is none, or none that can be read.
  absl::StatusOr<storage::v1::BuildProgress> ReadProgress(const std::string& generation_id) const;
  // Not synced. REQUIRES: one call at a time.
  absl::Status WriteProgress(const std::string& generation_id, storage::v1::BuildProgress progress) const;

  // Asks a builder, wherever it runs, to stop.
  absl::Status RequestCancel(const std::string& generation_id) const;
  bool CancelRequested(const std::string& generation_id) const;

  // nullopt before the first activation.
  absl::StatusOr<std::optional<storage::v1::ActiveGeneration>> ReadActive() const;

  // Durable when it returns. `previous` may be empty.
  absl::Status WriteActive(const std::string& generation_id, const std::string& previous) const;

  // The files of a generation; whether or not they exist.
  std::string Dir(const std::string& generation_id) const;
  std::string BundleDir(const std::string& generation_id) const;
  std::string IndexDir(const std::string& generation_id) const;
  // Held by a running builder.
  std::string LockPath(const std::string& generation_id) const;
  std::string BuilderLogPath(const std::string& generation_id) const;

 private:
  explicit GenerationStore(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  StoredGeneration Describe(const std::string& id, absl::StatusOr<storage::v1::GenerationManifest> manifest) const;
  // The content of state.json; PHASE_READY since `create_time` without one.
  absl::StatusOr<storage::v1::GenerationRecord> ReadState(const std::string& id, const std::string& create_time) const;

  // The number of a new generation, on disk before it is returned.
  absl::StatusOr<int64_t> TakeNumber() const;
  // Makes a generation of an empty directory; completes the manifest.
  absl::Status Fill(const std::string& id, const std::string& bundle_dir, const storage::v1::GenerationRecord& record,
                    storage::v1::GenerationManifest* manifest) const;

  std::string GenerationsDir() const;
  std::string ManifestPath(const std::string& generation_id) const;
  std::string FileOf(const std::string& generation_id, const std::string& name) const;

  std::string data_dir_;
};

}  // namespace semblance::generation

#endif  // SEMBLANCE_GENERATION_GENERATION_STORE_H_
