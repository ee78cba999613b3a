// Opens a generation: loads its bundle and index, and embeds what the index lacks, so that it is the catalog of one moment, which
// its index's applied_sequence names.
//
// Thread-safe: a function without state. The catalog may be written meanwhile; a generation that is to follow what comes after
// gets a GenerationFollower.
//
// Vectors come back from the generation's own files; an item is embedded only where they do not hold its vector (the generation is
// new, the item was written since it was built, or a power cut took the end of the vector log).
//
// Errors: as of NewTorchEmbedder and SegmentedIndex::Open; FailedPrecondition/UNMIGRATABLE_ITEMS when a stored image cannot be
// embedded, with its sequence; Cancelled.
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
  // Told of the items that had to be embedded; may be empty: a progress line is logged instead.
  std::function<void(int64_t done, int64_t total)> on_progress;
  // Loading stops with Cancelled soon after this becomes true; may be null.
  std::stop_token stop;
};

absl::StatusOr<std::unique_ptr<Generation>> LoadGeneration(const generation::GenerationStore& store,
                                                           const storage::v1::GenerationManifest& manifest,
                                                           const catalog::Catalog& catalog, const GenerationLoaderOptions& options);

// Whether the files of index/ are those that semblance-builder wrote: names, sizes and digests of build.json. Errors:
// DataLoss/DIGEST_MISMATCH; FailedPrecondition/MANIFEST_INVALID (no build.json, or of another space or dimension than the
// manifest).
absl::Status CheckBuild(const generation::GenerationStore& store, const storage::v1::GenerationManifest& manifest);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_LOADER_H_
