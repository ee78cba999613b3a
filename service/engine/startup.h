// Finds the generation that a server begins with, and loads it.
//
// Not thread-safe; used once.
#ifndef SEMBLANCE_SERVICE_ENGINE_STARTUP_H_
#define SEMBLANCE_SERVICE_ENGINE_STARTUP_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "catalog/catalog.h"
#include "generation/generation_store.h"
#include "semblance/storage/v1/generation.pb.h"
#include "service/live/generation.h"
#include "service/live/generation_loader.h"

namespace semblance::service {

class Startup {
 public:
  struct Result {
    // Null when there is no model yet.
    std::shared_ptr<Generation> generation;
    // Why another generation than the active one was loaded. It is empty when the active one was loaded.
    std::string degraded_reason;
  };

  // `store` and `catalog` must outlive this.
  Startup(generation::GenerationStore* store, const catalog::Catalog* catalog, GenerationLoaderOptions loader);

  // Loads the generation of the bundle at `model_dir`: the one that was made from that bundle before, or a new one. With "" it
  // loads the generation that was active last. If that fails, it loads the one that was active before it. The choice is durable
  // when this returns. Errors: those of LoadGeneration and of the store.
  absl::StatusOr<Result> Load(const std::string& model_dir);

 private:
  // Returns nullopt for "" before the first activation.
  absl::StatusOr<std::optional<storage::v1::GenerationManifest>> Choose(const std::string& model_dir);
  absl::StatusOr<Result> LoadChosen(const std::string& model_dir);
  // `error` says why the active one could not be loaded.
  absl::StatusOr<Result> LoadPrevious(const absl::Status& error);

  generation::GenerationStore* const store_;
  const catalog::Catalog* const catalog_;
  const GenerationLoaderOptions loader_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_STARTUP_H_
