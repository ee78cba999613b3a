#include "service/live/generation_loader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "generation/catalog_rows.h"
#include "generation/index_config.h"
#include "index/segmented_index.h"

namespace semblance::service {
namespace {

embedder::BatcherOptions BatchingOptions(const v1::BatchingConfig& config, bool on_cpu) {
  embedder::BatcherOptions options;
  options.max_batch_size = config.max_batch_size() > 0 ? config.max_batch_size() : on_cpu ? 16 : 64;
  options.max_queue_delay = absl::Microseconds(config.has_max_queue_delay_us() ? config.max_queue_delay_us() : on_cpu ? 0 : 2000);
  options.max_queued_images = config.max_queued_images();
  return options;
}

absl::Status EmbedWhatIsMissing(const catalog::Catalog& catalog, const embedder::Embedder& embedder,
                                const GenerationLoaderOptions& options, index::SegmentedIndex& index) {
  const auto total = static_cast<int64_t>(index.missing_keys().size());
  generation::EmbedMissingOptions how;
  how.stop = options.stop;
  how.on_progress = options.on_progress;
  if (total == 0 || options.on_progress) {
    return generation::EmbedMissing(catalog, embedder, how, index);
  }
  ProgressReporter progress("embedding the catalog", total, "items");
  how.on_progress = [&progress](int64_t done, int64_t) { progress.Update(done, ""); };
  SEMBLANCE_RETURN_IF_ERROR(generation::EmbedMissing(catalog, embedder, how, index));
  progress.Finish(absl::StrCat("done: ", total, " items"));
  return absl::OkStatus();
}

absl::Status Invalid(const std::string& id, absl::string_view what) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MANIFEST_INVALID,
               absl::StrCat("generation ", id, ": build.json ", what));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Generation>> LoadGeneration(const generation::GenerationStore& store,
                                                           const storage::v1::GenerationManifest& manifest,
                                                           const catalog::Catalog& catalog,
                                                           const GenerationLoaderOptions& options) {
  const absl::Time start = absl::Now();
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<embedder::Embedder> embedder, options.new_embedder(store.BundleDir(manifest.id())));
  if (embedder->manifest().embedding_space_id() != manifest.embedding_space_id()) {
    return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_MANIFEST_INVALID,
                 absl::StrCat("generation ", manifest.id(), " was made for ", manifest.embedding_space_id(), ", its bundle is of ",
                              embedder->manifest().embedding_space_id()));
  }
  Generation::Parts parts;
  parts.manifest = manifest;
  parts.items = std::make_unique<ItemTable>();
  SEMBLANCE_ASSIGN_OR_RETURN(const generation::CatalogState state, generation::ReadCatalogState(catalog));
  for (const catalog::CatalogItem& item : state.items) {
    parts.items->Insert(RecordOf(item));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const index::SegmentedIndexOptions how,
                             generation::IndexOptionsOf(options.config.index(), manifest.index_factory(), manifest.dimension()));
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<index::SegmentedIndex> index,
                             index::SegmentedIndex::Open(store.IndexDir(manifest.id()), how, state.Sequences(), state.sequence));
  parts.embedded_at_load_count = static_cast<int64_t>(index->missing_keys().size());
  SEMBLANCE_RETURN_IF_ERROR(EmbedWhatIsMissing(catalog, *embedder, options, *index));

  parts.batching = BatchingOptions(options.config.batching(), embedder->device() == "cpu");
  parts.batching.on_batch = options.on_batch;
  SEMBLANCE_RETURN_IF_ERROR(parts.batching.Validate());
  LOG(INFO) << "loaded generation " << manifest.id() << " (model " << manifest.model() << " on " << embedder->device() << ", "
            << state.items.size() << " items, " << parts.embedded_at_load_count << " of them embedded now) in "
            << FormatSeconds(absl::ToDoubleSeconds(absl::Now() - start));
  parts.embedder = std::move(embedder);
  parts.index = std::move(index);
  return ShareGeneration(std::make_unique<Generation>(std::move(parts)));
}

absl::Status CheckBuild(const generation::GenerationStore& store, const storage::v1::GenerationManifest& manifest) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<storage::v1::BuildManifest> build, store.ReadBuild(manifest.id()));
  if (!build.has_value()) {
    return Invalid(manifest.id(), "is missing: the build is not complete");
  }
  if (build->embedding_space_id() != manifest.embedding_space_id() || build->dimension() != manifest.dimension()) {
    return Invalid(manifest.id(),
                   absl::StrCat("is of ", build->embedding_space_id(), " with ", build->dimension(),
                                " dimensions, the generation of ", manifest.embedding_space_id(), " with ", manifest.dimension()));
  }
  for (const auto& file : build->files()) {
    const std::string path = absl::StrCat(store.IndexDir(manifest.id()), "/", file.name());
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string digest, Sha256HexOfFile(path));
    if (digest != file.sha256()) {
      return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_DIGEST_MISMATCH,
                   absl::StrCat(path, ": sha256 is ", digest, ", build.json has ", file.sha256()));
    }
  }
  return absl::OkStatus();
}

}  // namespace semblance::service
