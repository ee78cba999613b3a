// Training jobs on disk.
//
//   DATA_DIR/jobs/job-000001/
//       manifest.json        what was asked for; a directory without it is a leftover
//       config.textproto     what the trainer gets
//       state.json           where the job stands
//       trainer.log
//       model/               the bundle, when the trainer has ended well
//       model.checkpoints/   the trainer's, before that
//
// Thread-safe, but for Create, of which one call runs at a time: no state in memory. One process writes (the one that holds the
// data directory's lock), but for model/, model.checkpoints/ and the log, which are the trainer's. Ids are never given out twice.
//
// Errors: I/O errors; DataLoss/MANIFEST_INVALID for a file that cannot be read.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_STORE_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_STORE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/job.pb.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::service {

class TrainingStore {
 public:
  // Creates the directory and removes what an interrupted Create or Remove left behind.
  static absl::StatusOr<TrainingStore> Open(const std::string& data_dir);

  // Ids, ascending.
  absl::StatusOr<std::vector<std::string>> List() const;

  // A new job in PHASE_QUEUED, durable when it returns. The manifest's id, create_time and the config's output_dir are filled in.
  absl::StatusOr<storage::v1::JobManifest> Create(storage::v1::JobManifest manifest, v1::TrainingConfig config) const;

  absl::StatusOr<storage::v1::JobManifest> ReadManifest(const std::string& id) const;
  absl::StatusOr<v1::TrainingConfig> ReadConfig(const std::string& id) const;
  absl::StatusOr<storage::v1::JobRecord> ReadRecord(const std::string& id) const;
  // Durable when it returns. The time is filled in.
  absl::Status WriteRecord(const std::string& id, storage::v1::JobRecord record) const;

  // An empty message while there is none, or none that can be read.
  storage::v1::TrainerProgress ReadProgress(const std::string& id) const;

  // The trainer has written its bundle.
  bool HasBundle(const std::string& id) const;

  // Removes all of it, the manifest first, so that an interrupted Remove is finished by Open.
  absl::Status Remove(const std::string& id) const;

  std::string ConfigPath(const std::string& id) const { return FileOf(id, "config.textproto"); }
  std::string LogPath(const std::string& id) const { return FileOf(id, "trainer.log"); }
  std::string BundleDir(const std::string& id) const { return FileOf(id, "model"); }
  std::string CatalogPath() const { return data_dir_ + "/catalogue.db"; }

 private:
  explicit TrainingStore(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  // The number of a new job, on disk before it is returned.
  absl::StatusOr<int64_t> TakeNumber() const;
  absl::Status Fill(const storage::v1::JobManifest& manifest, v1::TrainingConfig config) const;

  std::string JobsDir() const { return data_dir_ + "/jobs"; }
  std::string FileOf(const std::string& id, const std::string& name) const { return JobsDir() + "/" + id + "/" + name; }

  // Absolute: the trainer's config names files below it.
  std::string data_dir_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_STORE_H_
