// A generation: a model and the index that was built with it. The two change as one unit. A request takes one generation when it is
// admitted, and is decoded, embedded and searched in it.
//
// Thread-safe: const methods may run concurrently with each other and with one writer (ApplyUpsert, ApplyDelete, ApplyLog). The
// caller makes the writes one after the other, in the order of the change log.
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

// A query that is ready to be searched.
struct PreparedQuery {
  // The vector has unit length.
  std::vector<float> vector;
  // It is set when the query is a stored item. The answer leaves that item out.
  std::optional<std::string> item_id;
};

struct GenerationSearch {
  std::vector<PreparedQuery> queries;
  int top_k = 0;
  std::vector<std::string> exclude_item_ids;

  // How many rows the index is asked for. It is more than top_k, because the answer leaves out the excluded items and the query's
  // own item.
  int index_top_k() const { return top_k + static_cast<int>(exclude_item_ids.size()) + 1; }
};

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

  // Makes a query from the vector of a stored item. Errors: NotFound/ITEM_NOT_FOUND.
  absl::StatusOr<PreparedQuery> QueryOfItem(const std::string& id) const;

  // Makes a query from a client's vector, which it scales to unit length. Errors: FailedPrecondition/EMBEDDING_SPACE_MISMATCH;
  // InvalidArgument/DIMENSION_MISMATCH, field embedding.values. REQUIRES: the vector is finite and not zero.
  absl::StatusOr<PreparedQuery> QueryOfVector(const VectorQuery& query) const;

  // Searches all queries at one applied sequence. The answer has results and provenance, which names that sequence. `rows` may be
  // null; it gets the rows that the index found, before items are left out.
  absl::StatusOr<SearchAnswer> Search(const GenerationSearch& search, index::IndexSearchResult* rows = nullptr) const;

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
