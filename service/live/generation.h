// A generation: a model and the index that was built with it. The two change as one unit. A request takes one generation when it is
// admitted, and is decoded, embedded and searched in it.
//
// Thread-safe: const methods may run concurrently with each other and with one writer (ApplyUpsert, ApplyDelete, ApplyLog). The
// caller makes the writes one after the other, in the order of the change log. Searches go through a GenerationSnapshot.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "catalog/catalog.h"
#include "embedder/batcher.h"
#include "embedder/embedder.h"
#include "index/vector_index.h"
#include "semblance/storage/v1/generation.pb.h"
#include "service/live/item_table.h"
#include "service/live/search_answer.h"

namespace semblance::service {

class Generation {
 public:
  // The parts that a generation is made from.
  struct Parts {
    storage::v1::GenerationManifest manifest;
    std::unique_ptr<embedder::Embedder> embedder;
    embedder::BatcherOptions batching;
    std::unique_ptr<index::VectorIndex> index;
    // The records of the index's rows.
    std::unique_ptr<ItemTable> items;
    // Items that were embedded while it was loaded, because its files did not hold their vectors.
    int64_t embedded_at_load_count = 0;
  };

  // REQUIRES: no part is null; batching.Validate().ok().
  explicit Generation(Parts parts);

  const storage::v1::GenerationManifest& manifest() const { return manifest_; }
  const embedder::Embedder& embedder() const { return *embedder_; }
  embedder::Batcher& batcher() const { return *batcher_; }
  // How many images the batcher embeds at once.
  int max_batch_size() const { return max_batch_size_; }
  const index::VectorIndex& index() const { return *index_; }
  int64_t embedded_at_load_count() const { return embedded_at_load_count_; }

  Provenance ProvenanceAt(uint64_t applied_sequence) const;

  const ItemTable& items() const { return *items_; }

  // Makes a query from a client's vector, which it scales to unit length. Errors: FailedPrecondition/EMBEDDING_SPACE_MISMATCH;
  // InvalidArgument/DIMENSION_MISMATCH, field embedding.values. REQUIRES: the vector is finite and not zero.
  absl::StatusOr<PreparedQuery> QueryOfVector(const VectorQuery& query) const;

  // The three Apply methods move the generation from one applied sequence to the next. After an error it is as it was before, and
  // the same changes may be applied again. Errors: those of VectorIndex::Apply.

  // Applies a committed upsert. `vectors` has the embeddings of its items in this generation, one row after the other.
  absl::Status ApplyUpsert(const catalog::WriteResult& write, absl::Span<const float> vectors);

  // Applies a committed delete.
  absl::Status ApplyDelete(const catalog::WriteResult& write);

  // Applies changes of the log as one step. They ascend, and no id occurs twice. The log was read up to `sequence`. `vectors` has
  // the embedding of each written item, by its sequence. An item without an embedding stays as it is: a later change replaces it.
  absl::Status ApplyLog(const std::vector<const catalog::Change*>& changes, const std::map<uint64_t, std::vector<float>>& vectors,
                        uint64_t sequence);

  // The records of all items.
  std::vector<std::shared_ptr<const ItemRecord>> Records() const { return items_->Records(); }

  // Decides what happens when the last owner lets go of a generation that ShareGeneration made: it is handed to `dispose`, on the
  // thread of that owner, and not destroyed there. REQUIRES: the caller is an owner; called at most once.
  void SetDisposal(std::function<void(std::unique_ptr<Generation>)> dispose) { dispose_ = std::move(dispose); }

 private:
  friend std::shared_ptr<Generation> ShareGeneration(std::unique_ptr<Generation> generation);

  absl::Status Apply(absl::Span<const index::IndexAdd> adds, absl::Span<const index::IndexDelete> deletes, uint64_t sequence);

  const storage::v1::GenerationManifest manifest_;
  const std::unique_ptr<embedder::Embedder> embedder_;
  const int max_batch_size_;
  // Declared after the embedder, which it uses.
  const std::unique_ptr<embedder::Batcher> batcher_;
  const std::unique_ptr<index::VectorIndex> index_;
  const std::unique_ptr<ItemTable> items_;
  const int64_t embedded_at_load_count_;
  // Empty: the last owner destroys the generation.
  std::function<void(std::unique_ptr<Generation>)> dispose_;
};

// Makes a generation that requests can share. See Generation::SetDisposal.
std::shared_ptr<Generation> ShareGeneration(std::unique_ptr<Generation> generation);

// The record that searches return for an item of the catalog.
std::shared_ptr<const ItemRecord> RecordOf(const catalog::CatalogItem& item);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_H_
