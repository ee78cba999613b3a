// Copies the labeled items of a catalog into a data set that does not change. The copy is made when a run starts, so the run trains
// on the catalog at one sequence, even if it is stopped and resumed.
//
// Not thread-safe; one process makes a snapshot.
#ifndef SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_
#define SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_

#include <stop_token>
#include <string>

#include "absl/status/statusor.h"

namespace semblance::trainer {

// Copies the labeled items of the catalog in the file `path` to `directory`, unless a complete copy is there. Writes the images
// first and then, atomically, a manifest (see OpenManifest) with their ids and labels; returns the path of the manifest. The
// catalog may be written meanwhile. Errors: InvalidArgument/DATA_INVALID, field "data.catalog_path" (no such file, no labeled
// item); Cancelled soon after a stop was requested; those of the catalog; I/O errors.
absl::StatusOr<std::string> SnapshotCatalog(const std::string& path, const std::string& directory, const std::stop_token& stop);

// Waits until another rank has made the manifest, and returns its path. Errors: Cancelled.
absl::StatusOr<std::string> AwaitCatalogSnapshot(const std::string& directory, const std::stop_token& stop);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_
