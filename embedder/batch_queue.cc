#include "embedder/batch_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace semblance::embedder {
namespace {

constexpr size_t kInteractive = static_cast<size_t>(Priority::kInteractive);
constexpr size_t kBulk = static_cast<size_t>(Priority::kBulk);

}  // namespace

absl::Status StillWanted(const EmbedRequest& request, absl::Time now) {
  if (request.cancelled.stop_requested()) {
    return absl::CancelledError("the request was cancelled before its images were embedded");
  }
  if (request.deadline <= now) {
    return absl::DeadlineExceededError("the deadline passed before the images were embedded");
  }
  return absl::OkStatus();
}

absl::Time BatchQueue::oldest_arrival() const {
  absl::Time oldest = absl::InfiniteFuture();
  for (const auto& requests : requests_) {
    if (!requests.empty()) {
      oldest = std::min(oldest, requests.front()->arrival);
    }
  }
  return oldest;
}

absl::Time BatchQueue::earliest_deadline() const {
  absl::Time earliest = absl::InfiniteFuture();
  for (const auto& requests : requests_) {
    for (const EmbedRequestPtr& request : requests) {
      earliest = std::min(earliest, request->deadline);
    }
  }
  return earliest;
}

void BatchQueue::Add(EmbedRequestPtr request) {
  const auto priority = static_cast<size_t>(request->priority);
  waiting_[priority] += request->waiting();
  requests_[priority].push_back(std::move(request));
}

std::vector<Verdict> BatchQueue::RemoveUnwanted(absl::Time now) {
  std::vector<Verdict> verdicts;
  for (size_t priority = 0; priority < requests_.size(); ++priority) {
    std::deque<EmbedRequestPtr> kept;
    for (EmbedRequestPtr& request : requests_[priority]) {
      absl::Status status = StillWanted(*request, now);
      if (status.ok() && !request->settled) {
        kept.push_back(std::move(request));
        continue;
      }
      waiting_[priority] -= request->waiting();
      if (!request->settled) {
        request->settled = true;
        verdicts.push_back({std::move(request), std::move(status)});
      }
    }
    requests_[priority].swap(kept);
  }
  return verdicts;
}

std::vector<Verdict> BatchQueue::RemoveAll(const absl::Status& status) {
  std::vector<Verdict> verdicts;
  for (auto& requests : requests_) {
    for (EmbedRequestPtr& request : requests) {
      if (!request->settled) {
        request->settled = true;
        verdicts.push_back({std::move(request), status});
      }
    }
    requests.clear();
  }
  waiting_ = {};
  return verdicts;
}

QueuedBatch BatchQueue::Take(size_t max_batch_size, absl::Time now) {
  size_t reserved = 0;
  if (waiting_[kInteractive] > 0 && waiting_[kBulk] > 0) {
    // The remainder is carried over, so that bulk work gets its share of small batches too.
    bulk_credit_ += max_batch_size;
    reserved = std::min(waiting_[kBulk], bulk_credit_ / kBulkShare);
    bulk_credit_ %= kBulkShare;
  }
  const size_t interactive = std::min(waiting_[kInteractive], max_batch_size - reserved);
  const size_t bulk = std::min(waiting_[kBulk], max_batch_size - interactive);
  QueuedBatch batch;
  TakeImages(kInteractive, interactive, now, &batch);
  TakeImages(kBulk, bulk, now, &batch);
  return batch;
}

void BatchQueue::TakeImages(size_t priority, size_t count, absl::Time now, QueuedBatch* batch) {
  std::deque<EmbedRequestPtr>& requests = requests_[priority];
  waiting_[priority] -= count;
  while (count > 0) {
    EmbedRequest& request = *requests.front();
    if (request.taken == 0) {
      request.result.queue = now - request.arrival;
    }
    const size_t part = std::min(count, request.waiting());
    const auto begin = request.images.begin() + static_cast<ptrdiff_t>(request.taken);
    std::move(begin, begin + static_cast<ptrdiff_t>(part), std::back_inserter(batch->images));
    batch->parts.push_back({requests.front(), request.taken, part});
    request.taken += part;
    count -= part;
    if (request.waiting() == 0) {
      requests.pop_front();
    }
  }
}

}  // namespace semblance::embedder
