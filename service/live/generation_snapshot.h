// A generation at one applied sequence. Everything that one answer needs comes from one snapshot: the items by their ids, their
// vectors, the neighbors, and the sequence that the answer names. Writes that follow do not change it.
//
// Thread-safe. It waits for no writer. The generation must outlive it. It keeps replaced and deleted items in memory, so keep it
// for one search only.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_SNAPSHOT_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "index/vector_index.h"
#include "service/live/generation.h"
#include "service/live/item_table.h"
#include "service/live/search_answer.h"

namespace semblance::service {

class GenerationSnapshot {
 public:
  // Takes the newest state. It includes every write that was applied before.
  explicit GenerationSnapshot(const Generation* generation);

  uint64_t applied_sequence() const { return index_->applied_sequence(); }

  struct StoredItem {
    std::shared_ptr<const ItemRecord> record;
    std::vector<float> vector;
  };
  // Returns a stored item and its vector. Errors: NotFound/ITEM_NOT_FOUND.
  absl::StatusOr<StoredItem> Find(absl::string_view id) const;

  // Makes a query from the vector of a stored item. Errors: NotFound/ITEM_NOT_FOUND.
  absl::StatusOr<PreparedQuery> QueryOfItem(const std::string& id) const;

  // Searches all queries. The answer has results and provenance. `rows` may be null; it gets the rows that the index found, before
  // items are left out. Errors: those of IndexSnapshot::Search.
  absl::StatusOr<SearchAnswer> Search(const GenerationSearch& search, index::IndexSearchResult* rows = nullptr) const;

  // Returns the state of the index, for searches that need no items.
  const index::IndexSnapshot& index() const { return *index_; }

 private:
  const Generation& generation_;
  // Opened before the snapshot of the index; see ItemTable.
  const ItemTable::View items_;
  const std::unique_ptr<const index::IndexSnapshot> index_;
};

// Returns the error for an id that a generation does not have: NotFound/ITEM_NOT_FOUND.
absl::Status ItemNotFound(absl::string_view id);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_SNAPSHOT_H_
