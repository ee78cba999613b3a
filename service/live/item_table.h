// What searches need to know of the items, in memory: from an index key (the sequence of the write) to the item's record, and from
// an id to its current sequence.
//
// Thread-safe. One writer at a time, in the order of the change log.
//
// A record outlives its deletion as long as a view that may still meet it: open a View before searching the index and resolve the
// keys found through it, and every key is there.
//
//   const ItemTable::View view = items.OpenView();
//   auto found = index.Search(...);          // at some sequence >= the view's
//   view.Record(found.neighbors[0].key);     // never null
//
// The writer, in this order: Insert, then the index's Apply, then Retire.
#ifndef SEMBLANCE_SERVICE_LIVE_ITEM_TABLE_H_
#define SEMBLANCE_SERVICE_LIVE_ITEM_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "service/live/search_answer.h"

namespace semblance::service {

class ItemTable {
 public:
  // Keeps the records alive that were not retired when it was opened. Must not outlive the table.
  class View {
   public:
    explicit View(ItemTable* table);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    // Null for a key that was retired before the view was opened, or never inserted.
    std::shared_ptr<const ItemRecord> Record(uint64_t sequence) const;

   private:
    ItemTable* const table_;
    const uint64_t opened_at_;
  };

  // Makes the record findable by its sequence, and its sequence by its id.
  void Insert(std::shared_ptr<const ItemRecord> record);

  // The record of `sequence` was replaced or deleted, as of `at`. Unknown sequences are ignored. Ascending `at`.
  void Retire(uint64_t sequence, uint64_t at);

  // The current sequence of an id; nullopt where there is no such item.
  std::optional<uint64_t> SequenceOf(absl::string_view id) const;

  // Of the items that exist, in no order.
  std::vector<std::shared_ptr<const ItemRecord>> Records() const;

  // Items that exist.
  size_t size() const;

 private:
  struct Retired {
    uint64_t sequence = 0;
    uint64_t at = 0;
  };

  uint64_t RegisterView();
  void UnregisterView(uint64_t opened_at);
  // The greatest `at` that no open view, and none opened from now on, can reach behind.
  uint64_t UnreachableUntil();

  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<uint64_t, std::shared_ptr<const ItemRecord>> records_;
  absl::flat_hash_map<std::string, uint64_t> sequences_;
  // By ascending `at`.
  std::deque<Retired> retired_;

  // Taken after mutex_ where both are. Its own lock, so that opening a view never waits for a writer's insertions.
  std::mutex views_mutex_;
  // The `at` of the last retirement.
  uint64_t retired_until_ = 0;
  // Open views, counted by the retirement that they were opened after.
  std::map<uint64_t, int> views_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_ITEM_TABLE_H_
