// The labelled items of a catalog as a data set that does not change: copied when a run starts, so that the run, stopped and
// resumed or not, trains on the catalog at one sequence.
//
// Not thread-safe; one process makes a snapshot.
#ifndef SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_
#define SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_

#include <stop_token>
#include <string>

#include "absl/status/statusor.h"

namespace semblance::trainer {

// Copies the labelled items of the catalog in the file `catalog` to `directory`, unless they are there: images, and last,
// atomically, a manifest (OpenManifest) with their ids and labels, whose path it returns. The catalog may be written meanwhile.
// Errors: InvalidArgument/DATA_INVALID, field "data.catalog_path": no such file, no labelled item; Cancelled soon
// after a stop was requested; as of the catalog; I/O errors.
absl::StatusOr<std::string> SnapshotCatalog(const std::string& path, const std::string& directory, const std::stop_token& stop);

// Waits for the manifest that another rank makes; its path. Errors: Cancelled.
absl::StatusOr<std::string> AwaitCatalogSnapshot(const std::string& directory, const std::stop_token& stop);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_
