#include "generation/catalog_rows.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/threads/background_thread.h"
#include "common/threads/mutex.h"
#include "common/threads/parallel_for.h"

namespace semblance::generation {
namespace {

constexpr int kChangesPerRead = 4096;

// Stored images were checked against the limits when they were written. A limit that was lowered since must not lose them.
constexpr embedder::DecodeLimits kStoredImageLimits = {.max_bytes = std::numeric_limits<int64_t>::max(),
                                                       .max_pixels = std::numeric_limits<int64_t>::max(),
                                                       .max_side = std::numeric_limits<int>::max()};

// One run of EmbedMissing, in which threads take batch after batch.
class MissingRows {
 public:
  MissingRows(const catalog::Catalog& catalog, const embedder::Embedder& embedder, const EmbedMissingOptions& options,
              index::SegmentedIndex& index)
      : catalog_(catalog), embedder_(embedder), options_(options), index_(index), missing_(index.missing_keys()) {}

  absl::Status Run() {
    const size_t batches = (missing_.size() + options_.batch_size - 1) / options_.batch_size;
    const auto threads = std::clamp<size_t>(batches, 1, static_cast<size_t>(std::max(options_.threads, 1)));
    RunOnThreads(static_cast<int>(threads), [this](int /*thread*/) { Work(); });
    const MutexLock lock(&mutex_);
    return status_;
  }

 private:
  void Work() {
    Rests rests;
    size_t size = options_.rests ? 1 : options_.batch_size;
    for (absl::Span<const uint64_t> batch = Take(size); !batch.empty(); batch = Take(size)) {
      const absl::Time start = absl::Now();
      absl::StatusOr<StoredVectors> rows = EmbedStored(catalog_, embedder_, batch);
      if (options_.rests) {
        size = SizeOfPiece(batch.size(), absl::Now() - start);
        rests.BetweenPieces();
      }
      const MutexLock lock(&mutex_);
      // Rows are added also after an error of another thread, so that nothing is embedded in vain.
      if (const absl::Status added = rows.ok() ? Add(*rows) : rows.status(); !added.ok()) {
        status_.Update(added);
        return;
      }
      done_ += batch.size();
      if (options_.on_progress) {
        options_.on_progress(static_cast<int64_t>(done_), static_cast<int64_t>(missing_.size()));
      }
    }
  }

  // Returns how many images make a piece of work of the right length, when `count` images took `time`.
  size_t SizeOfPiece(size_t count, absl::Duration time) const {
    const double pieces = absl::FDivDuration(time, Rests::kPiece);
    const double size = static_cast<double>(count) / std::max(pieces, 1e-3);
    return static_cast<size_t>(std::clamp(size, 1.0, static_cast<double>(options_.batch_size)));
  }

  // Takes up to `size` sequences. Returns none when all are taken, or when the run should end.
  absl::Span<const uint64_t> Take(size_t size) {
    const MutexLock lock(&mutex_);
    if (status_.ok() && taken_ < missing_.size() && options_.stop.stop_requested()) {
      status_ = absl::CancelledError("stopped while embedding the catalog; the next start goes on from here");
    }
    if (!status_.ok()) {
      return {};
    }
    const absl::Span<const uint64_t> batch = missing_.subspan(taken_, size);
    taken_ += batch.size();
    return batch;
  }

  // AddMissing takes rows in any order, but one call at a time.
  absl::Status Add(const StoredVectors& rows) SEMBLANCE_REQUIRES(mutex_) {
    const auto dimension = static_cast<size_t>(embedder_.dimension());
    std::vector<index::IndexAdd> adds;
    for (size_t i = 0; i < rows.sequences.size(); ++i) {
      adds.push_back({.key = rows.sequences[i], .vector = absl::MakeConstSpan(rows.vectors).subspan(i * dimension, dimension)});
    }
    return index_.AddMissing(adds);
  }

  const catalog::Catalog& catalog_;
  const embedder::Embedder& embedder_;
  const EmbedMissingOptions& options_;
  index::SegmentedIndex& index_;
  const absl::Span<const uint64_t> missing_;
  Mutex mutex_;
  size_t taken_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  size_t done_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  // The first error ends all threads.
  absl::Status status_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace

std::vector<uint64_t> CatalogState::Sequences() const {
  std::vector<uint64_t> sequences;
  sequences.reserve(items.size());
  for (const catalog::CatalogItem& item : items) {
    sequences.push_back(item.sequence);
  }
  return sequences;
}

absl::StatusOr<CatalogState> ReadCatalogState(const catalog::Catalog& catalog) {
  std::vector<catalog::Change> changes;
  uint64_t after = 0;
  for (size_t last_read = kChangesPerRead; last_read == kChangesPerRead;) {
    SEMBLANCE_ASSIGN_OR_RETURN(std::vector<catalog::Change> next, catalog.ReadChanges(after, kChangesPerRead));
    last_read = next.size();
    after = next.empty() ? after : next.back().sequence;
    std::move(next.begin(), next.end(), std::back_inserter(changes));
  }
  // The last transaction read to the end of the log. So `after` is the last sequence of the catalog at that moment, and the last
  // change of each id is its state then. Earlier transactions may have read changes that were replaced since. So the changes are
  // visited from the end, and the first one of each id counts.
  CatalogState state;
  state.sequence = after;
  absl::flat_hash_set<absl::string_view> seen;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    change->deleted = !seen.insert(change->item.id).second || change->deleted;
  }
  for (catalog::Change& change : changes) {
    if (!change.deleted) {
      state.items.push_back(std::move(change.item));
    }
  }
  return state;
}

absl::StatusOr<StoredVectors> EmbedStored(const catalog::Catalog& catalog, const embedder::Embedder& embedder,
                                          absl::Span<const uint64_t> sequences) {
  StoredVectors stored;
  std::vector<embedder::Image> images;
  for (const uint64_t sequence : sequences) {
    const absl::StatusOr<std::string> encoded = catalog.ReadImage(sequence);
    if (absl::IsNotFound(encoded.status())) {
      continue;
    }
    SEMBLANCE_RETURN_IF_ERROR(encoded.status());
    absl::StatusOr<embedder::Image> image = embedder.preprocessor().DecodeAndPreprocess(*encoded, kStoredImageLimits);
    if (!image.ok()) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_UNMIGRATABLE_ITEMS,
                   absl::StrCat("the image of the item at sequence ", sequence, " cannot be embedded: ", image.status().message()));
    }
    images.push_back(*std::move(image));
    stored.sequences.push_back(sequence);
  }
  if (images.empty()) {
    return stored;
  }
  stored.vectors.resize(images.size() * static_cast<size_t>(embedder.dimension()));
  SEMBLANCE_RETURN_IF_ERROR(embedder.Embed(images, absl::MakeSpan(stored.vectors)));
  return stored;
}

absl::Status EmbedMissing(const catalog::Catalog& catalog, const embedder::Embedder& embedder, const EmbedMissingOptions& options,
                          index::SegmentedIndex& index) {
  return MissingRows(catalog, embedder, options, index).Run();
}

}  // namespace semblance::generation
