#include "catalog/group_committer.h"

#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance::catalog {
namespace {

// A group ends at either limit, so that its first write does not wait long for the last, and the log remains small.
constexpr size_t kMaxGroupWrites = 256;
constexpr size_t kMaxGroupBytes = size_t{32} << 20;

size_t BytesOf(const GroupCommitter::Write& write) {
  size_t bytes = 0;
  if (const auto* items = std::get_if<std::vector<PreparedItem>>(&write.operation)) {
    for (const PreparedItem& item : *items) {
      bytes += item.write.image.size() + item.attributes_json.size();
    }
  }
  return bytes;
}

absl::Status ReadOnlyError(const absl::Status& failure) {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_READ_ONLY,
               absl::StrCat("the catalog is read-only until it is opened again, because a write failed: ", failure.message()));
}

}  // namespace

GroupCommitter::GroupCommitter(std::unique_ptr<ChangeWriter> writer, std::function<void(absl::Duration)> on_commit)
    : writer_(std::move(writer)),
      on_commit_(std::move(on_commit)),
      item_count_(writer_->item_count()),
      last_sequence_(writer_->last_sequence()),
      thread_("committer", [this](const std::stop_token& stop) { Run(stop); }) {}

void GroupCommitter::Submit(Write write) {
  {
    const MutexLock lock(&mutex_);
    queue_.push_back(std::move(write));
  }
  changed_.NotifyOne();
}

void GroupCommitter::Run(const std::stop_token& stop) {
  for (std::vector<Write> group = TakeGroup(stop); !group.empty(); group = TakeGroup(stop)) {
    CommitGroup(std::move(group));
  }
}

std::vector<GroupCommitter::Write> GroupCommitter::TakeGroup(const std::stop_token& stop) {
  const MutexLock lock(&mutex_);
  changed_.Wait(mutex_, stop, [this]() SEMBLANCE_REQUIRES(mutex_) { return !queue_.empty(); });
  std::vector<Write> group;
  size_t bytes = 0;
  while (!queue_.empty() && group.size() < kMaxGroupWrites && bytes < kMaxGroupBytes) {
    bytes += BytesOf(queue_.front());
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void GroupCommitter::CommitGroup(std::vector<Write> group) {
  const absl::Time start = absl::Now();
  absl::StatusOr<std::vector<WriteResult>> results = Apply(group);
  if (results.ok()) {
    item_count_ = writer_->item_count();
    last_sequence_ = writer_->last_sequence();
    if (on_commit_) {
      on_commit_(absl::Now() - start);
    }
  }
  for (size_t i = 0; i < group.size(); ++i) {
    if (results.ok()) {
      group[i].done(std::move((*results)[i]));
    } else {
      // Every write gets an error of its own. Copies of a status share their content through a counter in Abseil's library, whose
      // atomics ThreadSanitizer does not see.
      group[i].done(WithContext(results.status(), "the write failed"));
    }
  }
}

absl::StatusOr<std::vector<WriteResult>> GroupCommitter::Apply(std::vector<Write>& group) {
  if (!failure_.ok()) {
    return ReadOnlyError(failure_);
  }
  SEMBLANCE_RETURN_IF_ERROR(writer_->Begin());
  absl::StatusOr<std::vector<WriteResult>> results = ApplyBegun(group);
  if (!results.ok()) {
    writer_->Rollback();
    failure_ = results.status();
    LOG(ERROR) << "THE CATALOG IS READ-ONLY from now on; a write failed: " << failure_.message();
    return ReadOnlyError(failure_);
  }
  return results;
}

absl::StatusOr<std::vector<WriteResult>> GroupCommitter::ApplyBegun(std::vector<Write>& group) {
  std::vector<WriteResult> results;
  results.reserve(group.size());
  for (Write& write : group) {
    auto* items = std::get_if<std::vector<PreparedItem>>(&write.operation);
    SEMBLANCE_ASSIGN_OR_RETURN(WriteResult result, items != nullptr
                                                       ? writer_->Upsert(*items)
                                                       : writer_->Delete(std::get<std::vector<std::string>>(write.operation)));
    results.push_back(std::move(result));
  }
  SEMBLANCE_RETURN_IF_ERROR(writer_->Commit());
  return results;
}

}  // namespace semblance::catalog
