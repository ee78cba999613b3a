// Stores generations on disk, and remembers which of them is active.
//
//   DATA_DIR/active.json                     names the active generation and the previous one; replaced atomically
//   DATA_DIR/generations/gen-000001/
//       manifest.json                        model, bundle and request; a directory without this file is a leftover
//       state.json                           its phase; without this file (older versions) it is READY
//       bundle/                              the model bundle, checked when it was copied and again when it is loaded
//       index/                               see index/segmented_index.h
//       build.json, progress.json, LOCK, builder.log    files that semblance-builder writes
//       cancel                               asks semblance-builder to stop
//
// Thread-safe, because it keeps no state in memory; but only one call of Create may run at a time. The process that holds the lock
// of the data directory writes everything except build.json and progress.json, which semblance-builder writes. No id is given out
// twice.
//
// Errors: I/O errors; NotFound/GENERATION_NOT_FOUND, also for an invalid id; DataLoss/MANIFEST_INVALID for a file that cannot be
// parsed.
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

// A generation on disk. A damaged generation is listed too: it is FAILED, and can be removed.
struct StoredGeneration {
  // Contains only the id when manifest.json cannot be read.
  storage::v1::GenerationManifest manifest;
  // When `damage` is an error, this is PHASE_FAILED with that error as the reason. PHASE_RETIRING is kept.
  storage::v1::GenerationRecord record;
  // Says which of manifest.json and state.json cannot be read, and why.
  absl::Status damage;
};

class GenerationStore {
 public:
  // Creates the directories, and removes what an interrupted Create or Remove left behind, if it can be removed. Only the process
  // that holds the lock may call this.
  static absl::StatusOr<GenerationStore> Open(const std::string& data_dir);

  // Opens the store without changing anything. semblance-builder uses this.
  static GenerationStore OpenForBuilder(const std::string& data_dir) { return GenerationStore(data_dir); }

  // Lists generations by ascending id, without those that are being created or removed. A damaged generation is not an error.
  absl::StatusOr<std::vector<StoredGeneration>> List() const;

  absl::StatusOr<storage::v1::GenerationManifest> ReadManifest(const std::string& generation_id) const;

  // Returns the newest generation of that embedding space whose phase is READY; nullopt when there is none.
  absl::StatusOr<std::optional<storage::v1::GenerationManifest>> FindBySpace(const std::string& embedding_space_id) const;

  // Creates a generation with a copy of the bundle and without an index, durably, in the phase of `record`. `manifest` has the
  // fields that do not follow from the bundle (model_version, index_factory, request, gates, policy); the others are filled in.
  // Errors: those of ReadBundle.
  absl::StatusOr<storage::v1::GenerationManifest> Create(const std::string& bundle_dir, storage::v1::GenerationManifest manifest,
                                                         const storage::v1::GenerationRecord& record) const;

  // Removes a generation. The manifest goes first, so that Open can finish an interrupted Remove. A missing generation is not an
  // error.
  absl::Status Remove(const std::string& generation_id) const;
  // Removes index/ and the files of semblance-builder, except its log. REQUIRES: no builder runs.
  absl::Status RemoveBuild(const std::string& generation_id) const;

  // Reads the state. Without a state.json it is PHASE_READY.
  absl::StatusOr<storage::v1::GenerationRecord> ReadRecord(const std::string& generation_id) const;
  // Writes the state durably. Fills in format_version and time.
  absl::Status WriteRecord(const std::string& generation_id, storage::v1::GenerationRecord record) const;

  // Returns nullopt before the build is complete.
  absl::StatusOr<std::optional<storage::v1::BuildManifest>> ReadBuild(const std::string& generation_id) const;
  // Writes the result of a build durably. Fills in format_version.
  absl::Status WriteBuild(const std::string& generation_id, storage::v1::BuildManifest build) const;

  // Returns an empty message when there is none, or none that can be read.
  absl::StatusOr<storage::v1::BuildProgress> ReadProgress(const std::string& generation_id) const;
  // Writes the progress without a sync. REQUIRES: one call at a time.
  absl::Status WriteProgress(const std::string& generation_id, storage::v1::BuildProgress progress) const;

  // Asks a builder to stop, in whatever process it runs.
  absl::Status RequestCancel(const std::string& generation_id) const;
  bool CancelRequested(const std::string& generation_id) const;

  // Returns nullopt before the first activation.
  absl::StatusOr<std::optional<storage::v1::ActiveGeneration>> ReadActive() const;

  // Writes the pointer durably. `previous` may be empty.
  absl::Status WriteActive(const std::string& generation_id, const std::string& previous) const;

  // Return the paths of the files of a generation, which may not exist.
  std::string Dir(const std::string& generation_id) const;
  std::string BundleDir(const std::string& generation_id) const;
  std::string IndexDir(const std::string& generation_id) const;
  // A running builder holds this lock.
  std::string LockPath(const std::string& generation_id) const;
  std::string BuilderLogPath(const std::string& generation_id) const;

 private:
  explicit GenerationStore(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  StoredGeneration Describe(const std::string& id, absl::StatusOr<storage::v1::GenerationManifest> manifest) const;
  // Returns the content of state.json. Without one it is PHASE_READY since `create_time`.
  absl::StatusOr<storage::v1::GenerationRecord> ReadState(const std::string& id, const std::string& create_time) const;

  // Returns the number of a new generation. It is on disk before this returns.
  absl::StatusOr<int64_t> TakeNumber() const;
  // Fills the directory of a new generation, and completes the manifest.
  absl::Status Fill(const std::string& id, const std::string& bundle_dir, const storage::v1::GenerationRecord& record,
                    storage::v1::GenerationManifest* manifest) const;

  std::string GenerationsDir() const;
  std::string ManifestPath(const std::string& generation_id) const;
  std::string FileOf(const std::string& generation_id, const std::string& name) const;

  std::string data_dir_;
};

}  // namespace semblance::generation

#endif  // SEMBLANCE_GENERATION_GENERATION_STORE_H_
