// Opens a generation: loads its bundle and index, and embeds the items that the index lacks. The result equals the catalog at one
// sequence, the applied_sequence of its index.
//
// Thread-safe: functions without state. The catalog may be written meanwhile. A GenerationFollower takes the later writes.
//
// Vectors are read from the generation's own files. An item is embedded only when these lack its vector: the generation is new, the
// item was written after it was built, or a power cut took the end of the vector log.
//
// Errors: those of NewTorchEmbedder and SegmentedIndex::Open; FailedPrecondition/UNMIGRATABLE_ITEMS, with the sequence, when a
// stored image cannot be embedded; Cancelled.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_LOADER_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_LOADER_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "catalog/catalog.h"
#include "embedder/embedder.h"
#include "generation/generation_store.h"
#include "semblance/storage/v1/generation.pb.h"
#include "semblance/v1/server_config.pb.h"
#include "service/live/generation.h"

namespace semblance::service {

// Loads the bundle in a directory.
using EmbedderFactory = std::function<absl::StatusOr<std::unique_ptr<embedder::Embedder>>(const std::string& bundle_dir)>;

struct GenerationLoaderOptions {
  // Complete (see CompleteServerConfig).
  v1::ServerConfig config;
  EmbedderFactory new_embedder;
  // See BatcherOptions::on_batch.
  std::function<void(int batch_size, absl::Duration inference)> on_batch;
  // Gets the number of items embedded so far, and of all that must be. When it is empty, progress is logged.
  std::function<void(int64_t done, int64_t total)> on_progress;
  // Loading returns Cancelled soon after this becomes true. It may be null.
  std::stop_token stop;
};

absl::StatusOr<std::shared_ptr<Generation>> LoadGeneration(const generation::GenerationStore& store,
                                                           const storage::v1::GenerationManifest& manifest,
                                                           const catalog::Catalog& catalog, const GenerationLoaderOptions& options);

// Checks that the files of index/ are those that semblance-builder wrote, by the digests of build.json. Errors:
// DataLoss/DIGEST_MISMATCH; FailedPrecondition/MANIFEST_INVALID when there is no build.json, or one for another space or dimension
// than the manifest's.
absl::Status CheckBuild(const generation::GenerationStore& store, const storage::v1::GenerationManifest& manifest);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_LOADER_H_
