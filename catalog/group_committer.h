// Group commit: one thread takes the writes that wait, puts them into one transaction, and answers each of them when that is on
// stable storage. While one transaction is flushed the next group gathers, so the cost of a flush is shared.
//
// Thread-safe. The destructor commits and answers what was accepted.
//
// A storage failure fails the whole group and makes the committer read-only: every later write is answered with
// Unavailable/READ_ONLY, because nobody knows what the file system still does. A lock that another process holds on the file
// (Unavailable) fails the group alone.
#ifndef SEMBLANCE_CATALOG_GROUP_COMMITTER_H_
#define SEMBLANCE_CATALOG_GROUP_COMMITTER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/change_writer.h"
#include "common/threads/mutex.h"

namespace semblance::catalog {

class GroupCommitter {
 public:
  // One upsert or one delete.
  struct Write {
    std::variant<std::vector<PreparedItem>, std::vector<std::string>> operation;
    Catalog::WriteCallback done;
  };

  // `on_commit`: as in CatalogOptions.
  GroupCommitter(std::unique_ptr<ChangeWriter> writer, std::function<void(absl::Duration)> on_commit);
  ~GroupCommitter();
  GroupCommitter(const GroupCommitter&) = delete;
  GroupCommitter& operator=(const GroupCommitter&) = delete;

  // Answers on the committer's thread, in the order of the calls.
  void Submit(Write write);

  // Of what is committed; never behind an answer.
  int64_t item_count() const { return item_count_; }
  uint64_t last_sequence() const { return last_sequence_; }

 private:
  void Run();
  // Waits for writes; none: it is time to stop.
  std::vector<Write> TakeGroup();
  void CommitGroup(std::vector<Write> group);
  absl::StatusOr<std::vector<WriteResult>> Apply(std::vector<Write>& group);
  // Applies and commits what has begun.
  absl::StatusOr<std::vector<WriteResult>> ApplyBegun(std::vector<Write>& group);

  const std::unique_ptr<ChangeWriter> writer_;
  const std::function<void(absl::Duration)> on_commit_;
  std::atomic<int64_t> item_count_;
  std::atomic<uint64_t> last_sequence_;
  // Why nothing is written any more; OK: writing goes on. Of the committer's thread.
  absl::Status failure_;

  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Write> queue_ SEMBLANCE_GUARDED_BY(mutex_);
  bool stopping_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace semblance::catalog

#endif  // SEMBLANCE_CATALOG_GROUP_COMMITTER_H_
