#include "service/admission/lane_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace semblance::service {
namespace {

// See the header. Simulations with service times that vary tenfold kept above nine tenths of the capacity with these shares.
constexpr double kWaitShare = 0.5;
constexpr double kTotalShare = 0.9;
constexpr double kOverloadShare = 0.75;

constexpr absl::Duration kShortestRetry = absl::Milliseconds(50);
constexpr absl::Duration kLongestRetry = absl::Seconds(5);
constexpr absl::Duration kDrainingRetry = absl::Seconds(1);

std::string InMilliseconds(absl::Duration duration) {
  return absl::StrCat(absl::ToInt64Milliseconds(duration), " ms");
}

absl::Status QueueFull(absl::string_view message, absl::Duration retry) {
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUEUE_FULL, message),
                        std::clamp(retry, kShortestRetry, kLongestRetry));
}

absl::Status StillWanted(const LaneRequest& request, absl::Time now) {
  if (request.cancelled.stop_requested()) {
    return absl::CancelledError("the client has gone");
  }
  if (request.deadline <= now) {
    return absl::DeadlineExceededError("the deadline passed while the request waited for a worker");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status LaneQueue::Admit(const LaneRequest& request, absl::Time now) const {
  if (absl::Status status = StillWanted(request, now); !status.ok()) {
    return status;
  }
  const Estimate estimate = EstimateFor(request.work);
  if (requests_.size() >= options_.max_queued) {
    return QueueFull(absl::StrCat(requests_.size(), " requests are waiting already"), estimate.wait);
  }
  if (estimate.idle) {
    return absl::OkStatus();
  }
  if (now + estimate.total > end_) {
    return WithRetryDelay(
        Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING,
              absl::StrCat("the server is shutting down and could not answer within the ", InMilliseconds(end_ - now), " left")),
        kDrainingRetry);
  }
  const absl::Duration left = request.deadline - now;
  const absl::Duration longest = std::min(kWaitShare * left, options_.max_wait);
  if (estimate.wait > longest) {
    return QueueFull(absl::StrCat("the work that waits takes about ", InMilliseconds(estimate.wait),
                                  "; this request may wait for at most ", InMilliseconds(longest)),
                     estimate.wait - longest);
  }
  if (estimate.total > kTotalShare * left) {
    return QueueFull(absl::StrCat("the answer would take about ", InMilliseconds(estimate.total), "; the deadline leaves ",
                                  InMilliseconds(left)),
                     estimate.wait);
  }
  return absl::OkStatus();
}

LaneQueue::Estimate LaneQueue::EstimateFor(const LaneWork& work) const {
  Estimate estimate;
  const bool free = requests_.empty() && running_ < options_.threads;
  if (!free) {
    // A running task is half done on average.
    estimate.wait = rate_.TimeFor((queued_cost_ + running_cost_ / 2) / options_.threads);
  }
  estimate.total = estimate.wait + rate_.TimeFor(work.cost);
  if (work.later) {
    estimate.wait = std::max(estimate.wait, work.later(images_));
    estimate.total = std::max(estimate.total, work.later(images_ + work.images));
  }
  estimate.idle = free && estimate.wait == absl::ZeroDuration();
  return estimate;
}

void LaneQueue::Add(LaneRequest request) {
  queued_cost_ += request.work.cost;
  images_ += request.work.images;
  requests_.push_back(std::move(request));
}

std::optional<LaneRequest> LaneQueue::Take(absl::Time now, std::vector<Refusal>& refused) {
  while (!requests_.empty()) {
    LaneRequest request = Remove(IsOverloaded(now) ? std::prev(requests_.end()) : requests_.begin());
    absl::Status status = CheckTime(request, now);
    if (status.ok()) {
      ++running_;
      running_cost_ += request.work.cost;
      images_ += request.work.images;
      return request;
    }
    refused.push_back({std::move(request), std::move(status)});
  }
  return std::nullopt;
}

void LaneQueue::Finish(const LaneWork& work, absl::Duration duration) {
  --running_;
  running_cost_ = running_ == 0 ? 0 : running_cost_ - work.cost;
  images_ -= work.images;
  rate_.Add(work.cost, std::max(duration, absl::ZeroDuration()));
}

std::vector<Refusal> LaneQueue::TakeUnwanted(absl::Time now) {
  std::vector<Refusal> refused;
  for (size_t i = 0; i < requests_.size();) {
    absl::Status status = StillWanted(requests_[i], now);
    if (status.ok()) {
      ++i;
    } else {
      refused.push_back({Remove(requests_.begin() + static_cast<ptrdiff_t>(i)), std::move(status)});
    }
  }
  return refused;
}

absl::Time LaneQueue::earliest_deadline() const {
  absl::Time earliest = absl::InfiniteFuture();
  for (const LaneRequest& request : requests_) {
    earliest = std::min(earliest, request.deadline);
  }
  return earliest;
}

bool LaneQueue::IsOverloaded(absl::Time now) const {
  const LaneRequest& oldest = requests_.front();
  return now - oldest.arrival > kOverloadShare * (oldest.deadline - oldest.arrival);
}

absl::Status LaneQueue::CheckTime(const LaneRequest& request, absl::Time now) const {
  if (absl::Status status = StillWanted(request, now); !status.ok()) {
    return status;
  }
  // The estimate may be wrong. It stops a request only while another one runs, whose end corrects the estimate.
  const absl::Duration needed = rate_.TimeFor(request.work.cost);
  if (running_ > 0 && now + needed > request.deadline) {
    return absl::DeadlineExceededError(absl::StrCat("the deadline leaves ", InMilliseconds(request.deadline - now),
                                                    "; the request was not begun, because it takes about ",
                                                    InMilliseconds(needed)));
  }
  return absl::OkStatus();
}

LaneRequest LaneQueue::Remove(std::deque<LaneRequest>::iterator position) {
  LaneRequest request = std::move(*position);
  requests_.erase(position);
  queued_cost_ = requests_.empty() ? 0 : queued_cost_ - request.work.cost;
  images_ -= request.work.images;
  return request;
}

}  // namespace semblance::service
