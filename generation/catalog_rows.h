// From the catalog to the rows of a generation's index: which rows there must be, and their vectors.
//
// Thread-safe: functions without state. The catalog may be written meanwhile, also by another process.
#ifndef SEMBLANCE_GENERATION_CATALOG_ROWS_H_
#define SEMBLANCE_GENERATION_CATALOG_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "catalog/catalog.h"
#include "embedder/embedder.h"
#include "index/segmented_index.h"

namespace semblance::generation {

// The catalog at one sequence.
struct CatalogState {
  // By ascending sequence; no id twice.
  std::vector<catalog::CatalogItem> items;
  uint64_t sequence = 0;

  // Of the items.
  std::vector<uint64_t> Sequences() const;
};

// Reads the change log in short transactions until nothing is left: the state is that of one moment, however much was written while
// it was read. Errors: as of Catalog::ReadChanges.
absl::StatusOr<CatalogState> ReadCatalogState(const catalog::Catalog& catalog);

// Images of stored items, embedded.
struct StoredVectors {
  // The sequences that were embedded, in the order asked for, and a row for each.
  std::vector<uint64_t> sequences;
  std::vector<float> vectors;
};

// Embeds the images of the writes at `sequences`, in one inference. A write that was replaced or deleted since is left out: a later
// change of the log is about its id. Errors: FailedPrecondition/UNMIGRATABLE_ITEMS when an image cannot be embedded, with its
// sequence; as of Catalog::ReadImage and Embedder::Embed.
absl::StatusOr<StoredVectors> EmbedStored(const catalog::Catalog& catalog, const embedder::Embedder& embedder,
                                          absl::Span<const uint64_t> sequences);

struct EmbedMissingOptions {
  // Images of one inference.
  size_t batch_size = 32;
  // Batches that are decoded, and embedded, at once; each has its own thread.
  int threads = 1;
  // Stays out of the way of those who serve on the same cores: batches take about Rests::kPiece, as far as batch_size lets them,
  // with rests between them. For devices that are the CPU.
  bool rests = false;
  // Called after every batch, one call at a time but not always on the same thread; must be quick. May be empty.
  std::function<void(int64_t done, int64_t total)> on_progress;
  // Stops with Cancelled soon after a request; what was embedded until then is kept.
  std::stop_token stop;
};

// Adds the rows that index.missing_keys() names, as far as their images are still there, in any order. REQUIRES: as of
// SegmentedIndex::AddMissing. Errors: as of EmbedStored and AddMissing, after which what was added stays.
absl::Status EmbedMissing(const catalog::Catalog& catalog, const embedder::Embedder& embedder, const EmbedMissingOptions& options,
                          index::SegmentedIndex& index);

}  // namespace semblance::generation

#endif  // SEMBLANCE_GENERATION_CATALOG_ROWS_H_
