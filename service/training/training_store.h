// Training jobs on disk.
//
//   DATA_DIR/jobs/job-000001/
//       manifest.json        what was asked for; a directory without it is a leftover
//       config.textproto     the trainer's configuration
//       state.json           the job's state
//       trainer.log
//       model/               the bundle, once the trainer has succeeded
//       model.checkpoints/   the trainer's checkpoints and its progress
//
// Thread-safe, except that only one Create may run at a time. It keeps no state in memory. Only the process that holds the data
// directory's lock writes, except for model/, model.checkpoints/ and the log, which the trainer writes. No id is given out twice.
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
  // Creates the directory and removes what an interrupted Create or Remove left behind. Rewrites a config.textproto of an
  // earlier version, which spelled `catalog_path` as `catalogue_path`, so that its job can be resumed.
  static absl::StatusOr<TrainingStore> Open(const std::string& data_dir);

  // The ids of all jobs, in ascending order.
  absl::StatusOr<std::vector<std::string>> List() const;

  // Makes a new job in PHASE_QUEUED, which is durable when this returns. It sets the manifest's id and create_time, and the
  // config's output_dir.
  absl::StatusOr<storage::v1::JobManifest> Create(storage::v1::JobManifest manifest, v1::TrainingConfig config) const;

  absl::StatusOr<storage::v1::JobManifest> ReadManifest(const std::string& id) const;
  absl::StatusOr<v1::TrainingConfig> ReadConfig(const std::string& id) const;
  absl::StatusOr<storage::v1::JobRecord> ReadRecord(const std::string& id) const;
  // Durable when it returns. It sets the record's time.
  absl::Status WriteRecord(const std::string& id, storage::v1::JobRecord record) const;

  // Returns an empty message while there is no progress file that can be read.
  storage::v1::TrainerProgress ReadProgress(const std::string& id) const;

  // Returns true when the trainer has written its bundle.
  bool HasBundle(const std::string& id) const;

  // Removes the whole job, the manifest first, so that Open finishes a Remove that was interrupted.
  absl::Status Remove(const std::string& id) const;

  std::string ConfigPath(const std::string& id) const { return FileOf(id, "config.textproto"); }
  std::string LogPath(const std::string& id) const { return FileOf(id, "trainer.log"); }
  std::string BundleDir(const std::string& id) const { return FileOf(id, "model"); }
  std::string CatalogPath() const { return data_dir_ + "/catalogue.db"; }

 private:
  explicit TrainingStore(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  // Returns the number of a new job. It is on disk before this returns.
  absl::StatusOr<int64_t> TakeNumber() const;
  // Writes the files of a new job into its empty directory.
  absl::Status Fill(const storage::v1::JobManifest& manifest, v1::TrainingConfig config) const;

  absl::Status UpgradeConfig(const std::string& id) const;

  std::string JobsDir() const { return data_dir_ + "/jobs"; }
  std::string FileOf(const std::string& id, const std::string& name) const { return JobsDir() + "/" + id + "/" + name; }

  // Absolute, because the trainer's config names files below it.
  std::string data_dir_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_STORE_H_
