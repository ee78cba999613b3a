// The generation: a model and the index built with it, changing as one unit. The server answers out of one such object, which a
// request takes once, at admission, and uses to decode, embed and search.
//
// Thread-safe: const methods run concurrently with each other and with one writer (ApplyUpsert, ApplyDelete, ApplyLog), which the
// caller serialises in the order of the change log.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
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

// A query ready to be searched.
struct PreparedQuery {
  // Unit length.
  std::vector<float> vector;
  // The stored item that is the query; it is left out of the answer.
  std::optional<std::string> item_id;
};

struct GenerationSearch {
  std::vector<PreparedQuery> queries;
  int top_k = 0;
  std::vector<std::string> exclude_item_ids;

  // Rows asked of the index for a query: what is left out of the answer, and the query's own item, needs room.
  int index_top_k() const { return top_k + static_cast<int>(exclude_item_ids.size()) + 1; }
};

class Generation {
 public:
  // What a generation is made of.
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
  // Of the batcher.
  int max_batch_size() const { return max_batch_size_; }
  const index::VectorIndex& index() const { return *index_; }
  int64_t embedded_at_load_count() const { return embedded_at_load_count_; }

  Provenance ProvenanceAt(uint64_t applied_sequence) const;

  // The query of a stored item: its vector. Errors: NotFound/ITEM_NOT_FOUND.
  absl::StatusOr<PreparedQuery> QueryOfItem(const std::string& id) const;

  // The query of a client's vector, normalised. Errors: FailedPrecondition/EMBEDDING_SPACE_MISMATCH;
  // InvalidArgument/DIMENSION_MISMATCH (field embedding.values). REQUIRES: finite, not zero.
  absl::StatusOr<PreparedQuery> QueryOfVector(const VectorQuery& query) const;

  // All queries at one applied sequence, which results.provenance names. Fills in results and provenance of the answer. `rows`,
  // where given, becomes what the index found, before items were left out.
  absl::StatusOr<SearchAnswer> Search(const GenerationSearch& search, index::IndexSearchResult* rows = nullptr) const;

  // Applies a committed upsert. `vectors` are its items' embeddings in this generation, row by row.
  absl::Status ApplyUpsert(const catalog::WriteResult& write, absl::Span<const float> vectors);

  // Applies a committed delete.
  absl::Status ApplyDelete(const catalog::WriteResult& write);

  // Applies changes of the log (ascending, no id twice) as one step; `sequence` is where the log was read to. `vectors` are the
  // embeddings of the items written, by sequence; an item without one is left as it was, for a change that is yet to come.
  absl::Status ApplyLog(const std::vector<const catalog::Change*>& changes, const std::map<uint64_t, std::vector<float>>& vectors,
                        uint64_t sequence);

  // The records of all items.
  std::vector<std::shared_ptr<const ItemRecord>> Records() const { return items_->Records(); }

 private:
  absl::Status Apply(absl::Span<const index::IndexAdd> adds, absl::Span<const index::IndexDelete> deletes, uint64_t sequence);

  const storage::v1::GenerationManifest manifest_;
  const std::unique_ptr<embedder::Embedder> embedder_;
  const int max_batch_size_;
  // After the embedder that it uses.
  const std::unique_ptr<embedder::Batcher> batcher_;
  const std::unique_ptr<index::VectorIndex> index_;
  const std::unique_ptr<ItemTable> items_;
  const int64_t embedded_at_load_count_;
};

// The record that searches return for an item of the catalog.
std::shared_ptr<const ItemRecord> RecordOf(const catalog::CatalogItem& item);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_H_
