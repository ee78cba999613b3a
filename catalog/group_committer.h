// Group commit: one thread takes all waiting writes, puts them into one transaction, and answers each of them once the transaction
// is on stable storage. While one transaction is flushed, the next group gathers. So many writes share the cost of a flush.
//
// Thread-safe. The destructor commits and answers all accepted writes.
//
// A storage failure fails the whole group and makes the committer read-only: it answers every later write with
// Unavailable/READ_ONLY, because the state of the file system is unknown. If another process holds a lock on the file, only that
// group fails (Unavailable).
#ifndef SEMBLANCE_CATALOG_GROUP_COMMITTER_H_
#define SEMBLANCE_CATALOG_GROUP_COMMITTER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/change_writer.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"

namespace semblance::catalog {

class GroupCommitter {
 public:
  // One upsert or one delete.
  struct Write {
    std::variant<std::vector<PreparedItem>, std::vector<std::string>> operation;
    Catalog::WriteCallback done;
  };

  // `on_commit` has the meaning that it has in CatalogOptions.
  GroupCommitter(std::unique_ptr<ChangeWriter> writer, std::function<void(absl::Duration)> on_commit);
  GroupCommitter(const GroupCommitter&) = delete;
  GroupCommitter& operator=(const GroupCommitter&) = delete;

  // Queues a write. Writes are answered on the committer's thread, in the order of the calls.
  void Submit(Write write);

  // The state that is committed. It includes every write that was answered.
  int64_t item_count() const { return item_count_; }
  uint64_t last_sequence() const { return last_sequence_; }

 private:
  void Run(const std::stop_token& stop);
  // Waits for writes. Returns none when the committer ends and every accepted write was taken.
  std::vector<Write> TakeGroup(const std::stop_token& stop);
  void CommitGroup(std::vector<Write> group);
  absl::StatusOr<std::vector<WriteResult>> Apply(std::vector<Write>& group);
  // Applies the writes and commits them. REQUIRES: the transaction has begun.
  absl::StatusOr<std::vector<WriteResult>> ApplyBegun(std::vector<Write>& group);

  const std::unique_ptr<ChangeWriter> writer_;
  const std::function<void(absl::Duration)> on_commit_;
  std::atomic<int64_t> item_count_;
  std::atomic<uint64_t> last_sequence_;
  // It is OK until writing ends, and then says why. Only the committer's thread uses it.
  absl::Status failure_;

  Mutex mutex_;
  Condition changed_;
  std::deque<Write> queue_ SEMBLANCE_GUARDED_BY(mutex_);
  // It comes last, because it uses everything above.
  Worker thread_;
};

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_GROUP_COMMITTER_H_
