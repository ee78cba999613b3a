// The records of all items in memory. A search looks up the record of an index key, which is the sequence of a write, and the
// sequence that an id had at the sequence of the search.
//
// Thread-safe for readers and one writer at a time, which writes in the order of the change log.
//
// Records and sequences of ids that were replaced or deleted stay as long as a view is open that may still need them. So open a
// View before the snapshot of the index, and look up keys and ids through it:
//
//   const ItemTable::View view(&items);
//   const auto snapshot = index.Snapshot();                            // at some sequence >= the view's
//   view.Record(snapshot->Search(...).neighbors[0].key);               // never null
//   view.SequenceAt("shoe-17", snapshot->applied_sequence());          // the key of the row that the snapshot shows
//
// The writer calls Insert, then the index's Apply, then Retire, in this order. When Apply fails, it calls Withdraw in place of
// Retire.
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
  // Keeps what was not retired when it was opened. It must not outlive the table.
  class View {
   public:
    explicit View(const ItemTable* table);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    // Returns null for a key that was never inserted, or was retired before the view was opened.
    std::shared_ptr<const ItemRecord> Record(uint64_t sequence) const;

    // Returns the last write of an id whose sequence is not greater than `at`. The item may have been deleted since that write; the
    // index knows. Returns nullopt when there is no such write, or when a deletion before the view was opened followed it.
    // REQUIRES: `at` is the applied sequence of the index at a moment after the view was opened.
    std::optional<uint64_t> SequenceAt(absl::string_view id, uint64_t at) const;

   private:
    const ItemTable* const table_;
    const uint64_t opened_at_;
  };

  // From now on the record is found by its sequence, and the sequence by its id.
  void Insert(std::shared_ptr<const ItemRecord> record);

  // Takes back an Insert that the index did not follow: the id has the sequence again that it had before. REQUIRES: the id was not
  // inserted again.
  void Withdraw(uint64_t sequence);

  // Says that the record of `sequence` was replaced or deleted by the write `at`. Unknown sequences are ignored. REQUIRES: `at`
  // never decreases from call to call.
  void Retire(uint64_t sequence, uint64_t at);

  // Returns the sequence that was inserted last for an id; nullopt when there is no such item.
  std::optional<uint64_t> SequenceOf(absl::string_view id) const;

  // Returns the records of the items that exist, in no order.
  std::vector<std::shared_ptr<const ItemRecord>> Records() const;

  // Returns the number of items that exist.
  size_t size() const;

 private:
  struct Retired {
    uint64_t sequence = 0;
    uint64_t at = 0;
  };

  // Called with mutex_ held.
  bool IsRetired(uint64_t sequence) const;
  void DropOldest();

  uint64_t RegisterView() const;
  void UnregisterView(uint64_t opened_at) const;
  // Returns the greatest `at` whose retired records no view can need, neither an open one nor a later one.
  uint64_t UnreachableUntil() const;

  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<uint64_t, std::shared_ptr<const ItemRecord>> records_;
  // The last sequence of each item that exists.
  absl::flat_hash_map<std::string, uint64_t> sequences_;
  // The earlier sequences of an id that have a record, ascending. Ids without any have no entry.
  absl::flat_hash_map<std::string, std::deque<uint64_t>> earlier_;
  // Sorted by `at`.
  std::deque<Retired> retired_;

  // Locked after mutex_ where both are needed. Views have a lock of their own, so that opening one never waits for a writer.
  mutable std::mutex views_mutex_;
  // The `at` of the last retirement.
  uint64_t retired_until_ = 0;
  // How many views were opened after each retirement and are still open.
  mutable std::map<uint64_t, int> views_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_ITEM_TABLE_H_
