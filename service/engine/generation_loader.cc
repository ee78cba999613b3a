#include "service/engine/generation_loader.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "index/segmented_index.h"

namespace semblance {
namespace {

constexpr int kChangesPerRead = 4096;
constexpr size_t kImagesPerBatch = 32;

// Stored images were checked against the limits when they were written; a limit that was lowered since must not lose them.
constexpr DecodeLimits kStoredImageLimits = {.max_bytes = std::numeric_limits<int64_t>::max(),
                                             .max_pixels = std::numeric_limits<int64_t>::max(),
                                             .max_side = std::numeric_limits<int>::max()};

absl::StatusOr<SegmentedIndexOptions> IndexOptions(const v1::IndexConfig& config, int dimension) {
  SegmentedIndexOptions options;
  options.dimension = dimension;
  SEMBLANCE_ASSIGN_OR_RETURN(options.spec, ParseIndexSpec(config.factory()));
  options.seal_rows = config.seal_rows();
  options.hnsw_ef_construction = config.hnsw_ef_construction();
  options.target_recall = config.target_recall();
  options.memory_budget_bytes = config.memory_budget_mib() << 20;
  return options;
}

BatcherOptions BatchingOptions(const v1::BatchingConfig& config, bool on_cpu) {
  BatcherOptions options;
  options.max_batch_size = config.max_batch_size() > 0 ? config.max_batch_size() : on_cpu ? 16 : 64;
  options.max_queue_delay = absl::Microseconds(config.has_max_queue_delay_us() ? config.max_queue_delay_us() : on_cpu ? 0 : 2000);
  options.max_queued_images = config.max_queued_images();
  return options;
}

// Fills `items` with every item of the catalogue; returns their sequences, ascending.
absl::StatusOr<std::vector<uint64_t>> ReadItems(const Catalog& catalog, ItemTable& items) {
  std::vector<uint64_t> live;
  uint64_t after = 0;
  while (true) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<Change> changes, catalog.ReadChanges(after, kChangesPerRead));
    if (changes.empty()) {
      return live;
    }
    after = changes.back().sequence;
    for (const Change& change : changes) {
      if (!change.deleted) {
        items.Insert(RecordOf(change.item));
        live.push_back(change.sequence);
      }
    }
  }
}

absl::Status EmbedStored(const Catalog& catalog, const Embedder& embedder, absl::Span<const uint64_t> sequences,
                         std::vector<float>& vectors) {
  std::vector<Image> images;
  for (const uint64_t sequence : sequences) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string encoded, catalog.ReadImage(sequence));
    absl::StatusOr<Image> image = embedder.preprocessor().DecodeAndPreprocess(encoded, kStoredImageLimits);
    if (!image.ok()) {
      return Error(absl::StatusCode::kFailedPrecondition, "UNMIGRATABLE_ITEMS",
                   absl::StrCat("the image of the item at sequence ", sequence, " cannot be embedded: ", image.status().message()));
    }
    images.push_back(*std::move(image));
  }
  vectors.resize(images.size() * static_cast<size_t>(embedder.dimension()));
  return embedder.Embed(images, absl::MakeSpan(vectors));
}

// Embeds the rows that the index does not have.
absl::Status EmbedMissing(const Catalog& catalog, const Embedder& embedder, const std::atomic<bool>* stop, SegmentedIndex& index) {
  const std::vector<uint64_t> missing = index.missing_keys();
  if (missing.empty()) {
    return absl::OkStatus();
  }
  const size_t dimension = static_cast<size_t>(embedder.dimension());
  ProgressReporter progress("embedding the catalogue", static_cast<int64_t>(missing.size()), "items");
  std::vector<float> vectors;
  for (size_t begin = 0; begin < missing.size(); begin += kImagesPerBatch) {
    if (stop != nullptr && stop->load()) {
      return absl::CancelledError("stopped while embedding the catalogue; the next start goes on from here");
    }
    const auto batch = absl::MakeConstSpan(missing).subspan(begin, kImagesPerBatch);
    SEMBLANCE_RETURN_IF_ERROR(EmbedStored(catalog, embedder, batch, vectors));
    std::vector<IndexAdd> adds;
    for (size_t i = 0; i < batch.size(); ++i) {
      adds.push_back({.key = batch[i], .vector = absl::MakeConstSpan(vectors).subspan(i * dimension, dimension)});
    }
    SEMBLANCE_RETURN_IF_ERROR(index.AddMissing(adds));
    progress.Update(static_cast<int64_t>(begin + batch.size()), "");
  }
  progress.Finish(absl::StrCat("done: ", missing.size(), " items"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Generation>> LoadGeneration(const GenerationStore& store,
                                                           const storage::v1::GenerationManifest& manifest, const Catalog& catalog,
                                                           const GenerationLoaderOptions& options) {
  const absl::Time start = absl::Now();
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<Embedder> embedder, options.new_embedder(store.BundleDir(manifest.id())));
  if (embedder->manifest().embedding_space_id() != manifest.embedding_space_id()) {
    return Error(absl::StatusCode::kDataLoss, "MANIFEST_INVALID",
                 absl::StrCat("generation ", manifest.id(), " was made for ", manifest.embedding_space_id(), ", its bundle is of ",
                              embedder->manifest().embedding_space_id()));
  }
  Generation::Parts parts;
  parts.manifest = manifest;
  parts.items = std::make_unique<ItemTable>();
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<uint64_t> live, ReadItems(catalog, *parts.items));
  SEMBLANCE_ASSIGN_OR_RETURN(const SegmentedIndexOptions how, IndexOptions(options.config.index(), manifest.dimension()));
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<SegmentedIndex> index,
                             SegmentedIndex::Open(store.IndexDir(manifest.id()), how, live, catalog.last_sequence()));
  parts.embedded_at_load_count = static_cast<int64_t>(index->missing_keys().size());
  SEMBLANCE_RETURN_IF_ERROR(EmbedMissing(catalog, *embedder, options.stop, *index));

  parts.batching = BatchingOptions(options.config.batching(), embedder->device() == "cpu");
  parts.batching.on_batch = options.on_batch;
  SEMBLANCE_RETURN_IF_ERROR(parts.batching.Validate());
  LOG(INFO) << "loaded generation " << manifest.id() << " (model " << manifest.model() << " on " << embedder->device() << ", "
            << live.size() << " items, " << parts.embedded_at_load_count << " of them embedded now) in "
            << FormatSeconds(absl::ToDoubleSeconds(absl::Now() - start));
  parts.embedder = std::move(embedder);
  parts.index = std::move(index);
  return std::make_unique<Generation>(std::move(parts));
}

}  // namespace semblance
