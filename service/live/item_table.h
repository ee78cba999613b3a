// The records of all items in memory. A search looks up the record of an index key, which is the sequence of a write, and the
// current sequence of an id.
//
// Thread-safe for readers and one writer at a time, which writes in the order of the change log.
//
// A record that was deleted stays as long as a view is open that may still need it. So open a View before the index is searched,
// and look up the keys through it: every key has its record.
//
//   const ItemTable::View view(&items);
//   auto found = index.Search(...);          // at some sequence >= the view's
//   view.Record(found.neighbors[0].key);     // never null
//
// The writer calls Insert, then the index's Apply, then Retire, in this order.
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
  // Keeps the records that were not retired when it was opened. It must not outlive the table.
  class View {
   public:
    explicit View(ItemTable* table);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    // Returns null for a key that was never inserted, or was retired before the view was opened.
    std::shared_ptr<const ItemRecord> Record(uint64_t sequence) const;

   private:
    ItemTable* const table_;
    const uint64_t opened_at_;
  };

  // From now on the record is found by its sequence, and the sequence by its id.
  void Insert(std::shared_ptr<const ItemRecord> record);

  // Says that the record of `sequence` was replaced or deleted by the write `at`. Unknown sequences are ignored. REQUIRES: `at`
  // never decreases from call to call.
  void Retire(uint64_t sequence, uint64_t at);

  // The current sequence of an id; nullopt when there is no such item.
  std::optional<uint64_t> SequenceOf(absl::string_view id) const;

  // The records of the items that exist, in no order.
  std::vector<std::shared_ptr<const ItemRecord>> Records() const;

  // The number of items that exist.
  size_t size() const;

 private:
  struct Retired {
    uint64_t sequence = 0;
    uint64_t at = 0;
  };

  uint64_t RegisterView();
  void UnregisterView(uint64_t opened_at);
  // Returns the greatest `at` whose retired records no view can need, neither an open one nor a later one.
  uint64_t UnreachableUntil();

  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<uint64_t, std::shared_ptr<const ItemRecord>> records_;
  absl::flat_hash_map<std::string, uint64_t> sequences_;
  // Sorted by `at`.
  std::deque<Retired> retired_;

  // Locked after mutex_ where both are needed. Views have a lock of their own, so that opening one never waits for a writer.
  std::mutex views_mutex_;
  // The `at` of the last retirement.
  uint64_t retired_until_ = 0;
  // How many views were opened after each retirement and are still open.
  std::map<uint64_t, int> views_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_ITEM_TABLE_H_
