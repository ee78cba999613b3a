// Reads the catalog for the index of a generation: the rows that the index must have, and their vectors.
//
// Thread-safe: functions without state. Other threads and processes may write to the catalog meanwhile.
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

// The state of the catalog at one sequence.
struct CatalogState {
  // The items by ascending sequence. No id comes twice.
  std::vector<catalog::CatalogItem> items;
  uint64_t sequence = 0;

  // Returns the sequences of the items.
  std::vector<uint64_t> Sequences() const;
};

// Reads the change log to its end, in short transactions. The result is the state at one moment, however much is written meanwhile.
// Errors: those of Catalog::ReadChanges.
absl::StatusOr<CatalogState> ReadCatalogState(const catalog::Catalog& catalog);

// The vectors of stored items.
struct StoredVectors {
  // The sequences that were embedded, in the order in which they were asked for, and one row for each.
  std::vector<uint64_t> sequences;
  std::vector<float> vectors;
};

// Embeds the images of the writes at `sequences`, in one inference. Writes that were replaced or deleted since are left out,
// because the log has a later change of the same id. Errors: FailedPrecondition/UNMIGRATABLE_ITEMS, with the sequence, when an
// image cannot be embedded; those of Catalog::ReadImage and Embedder::Embed.
absl::StatusOr<StoredVectors> EmbedStored(const catalog::Catalog& catalog, const embedder::Embedder& embedder,
                                          absl::Span<const uint64_t> sequences);

struct EmbedMissingOptions {
  // Number of images of one inference.
  size_t batch_size = 32;
  // Number of batches that are decoded and embedded at the same time. Each has its own thread.
  int threads = 1;
  // If true, makes pauses for the sake of programs that serve on the same cores: batches take about Rests::kPiece, if batch_size
  // allows that, and pauses follow them. Meant for inference on the CPU.
  bool rests = false;
  // Called after every batch. Calls do not overlap, but may come from different threads. Must be quick. May be empty.
  std::function<void(int64_t done, int64_t total)> on_progress;
  // Stops with Cancelled soon after a request; what was embedded until then is kept.
  std::stop_token stop;
};

// Adds the rows of index.missing_keys() whose images still exist, in any order. REQUIRES: the same as SegmentedIndex::AddMissing.
// Errors: those of EmbedStored and AddMissing. Rows that were added before an error remain.
absl::Status EmbedMissing(const catalog::Catalog& catalog, const embedder::Embedder& embedder, const EmbedMissingOptions& options,
                          index::SegmentedIndex& index);

}  // namespace semblance::generation

#endif  // SEMBLANCE_GENERATION_CATALOG_ROWS_H_
