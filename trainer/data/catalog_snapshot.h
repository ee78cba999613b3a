// The labelled items of a catalogue as a data set that does not change: copied when a run starts, so that the run, stopped and
// resumed or not, trains on the catalogue at one sequence.
//
// Not thread-safe; one process makes a snapshot.
#ifndef SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_
#define SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_

#include <atomic>
#include <string>

#include "absl/status/statusor.h"

namespace semblance::trainer {

// Copies the labelled items of the catalogue in the file `catalogue` to `directory`, unless they are there: images, and last,
// atomically, a manifest (OpenManifest) with their ids and labels, whose path it returns. The catalogue may be written meanwhile.
// Errors: InvalidArgument/DATA_INVALID, field "data.catalogue_path": no such file, no labelled item; Cancelled soon after *stop
// became true; as of the catalogue; I/O errors.
absl::StatusOr<std::string> SnapshotCatalogue(const std::string& catalogue, const std::string& directory,
                                              const std::atomic<bool>& stop);

// Waits for the manifest that another rank makes; its path. Errors: Cancelled.
absl::StatusOr<std::string> AwaitCatalogueSnapshot(const std::string& directory, const std::atomic<bool>& stop);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_CATALOG_SNAPSHOT_H_
