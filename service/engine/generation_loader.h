// Opens a generation: loads its bundle and index, and catches up with the change log, so that it answers for the catalogue as it
// is.
//
// Not thread-safe; nothing may be written to the catalogue meanwhile.
//
// Vectors come back from the generation's own files; an item is embedded only where they do not hold its vector (the generation is
// new, or a power cut took the end of the vector log).
//
// Errors: as of NewTorchEmbedder and SegmentedIndex::Open; FailedPrecondition/UNMIGRATABLE_ITEMS when a stored image cannot be
// embedded, with its id.
#ifndef SEMBLANCE_SERVICE_ENGINE_GENERATION_LOADER_H_
#define SEMBLANCE_SERVICE_ENGINE_GENERATION_LOADER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "embedder/embedder.h"
#include "semblance/storage/v1/generation.pb.h"
#include "semblance/v1/server_config.pb.h"
#include "service/engine/generation.h"
#include "service/engine/generation_store.h"

namespace semblance {

// Loads the bundle in a directory.
using EmbedderFactory = std::function<absl::StatusOr<std::unique_ptr<Embedder>>(const std::string& bundle_dir)>;

struct GenerationLoaderOptions {
  // Complete (see CompleteServerConfig).
  v1::ServerConfig config;
  EmbedderFactory new_embedder;
  // See BatcherOptions::on_batch.
  std::function<void(int batch_size, absl::Duration inference)> on_batch;
  // Loading stops with Cancelled soon after this becomes true.
  const std::atomic<bool>* stop = nullptr;
};

absl::StatusOr<std::unique_ptr<Generation>> LoadGeneration(const GenerationStore& store,
                                                           const storage::v1::GenerationManifest& manifest, const Catalog& catalog,
                                                           const GenerationLoaderOptions& options);

}  // namespace semblance

#endif  // SEMBLANCE_SERVICE_ENGINE_GENERATION_LOADER_H_
