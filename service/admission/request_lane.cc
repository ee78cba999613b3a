#include "service/admission/request_lane.h"

#include <optional>
#include <utility>

namespace semblance::service {
namespace {

void Answer(const std::vector<Refusal>& refused) {
  for (const Refusal& refusal : refused) {
    refusal.request.refuse(refusal.status);
  }
}

}  // namespace

RequestLane::RequestLane(const std::string& name, const LaneOptions& options, Clock* clock) : clock_(clock), queue_(options) {
  workers_.reserve(static_cast<size_t>(options.threads));
  for (int i = 0; i < options.threads; ++i) {
    workers_.emplace_back(name, [this](const std::stop_token& stop) { Run(stop); });
  }
  timer_ = Worker(name + " timer", [this](const std::stop_token& /*stop*/) { AnswerExpired(); });
}

RequestLane::~RequestLane() {
  for (Worker& worker : workers_) {
    worker.RequestStop();
  }
  workers_.clear();
  {
    const MutexLock lock(&mutex_);
    ending_ = true;
    timer_wait_.request_stop();
  }
}

void RequestLane::Submit(LaneRequest request) {
  request.arrival = clock_->Now();
  absl::Status status;
  {
    const MutexLock lock(&mutex_);
    status = queue_.Admit(request, request.arrival);
    if (status.ok()) {
      if (request.deadline < next_deadline_) {
        timer_wait_.request_stop();
      }
      queue_.Add(std::move(request));
    }
  }
  if (status.ok()) {
    changed_.NotifyOne();
  } else {
    request.refuse(status);
  }
}

void RequestLane::Continue(std::function<void()> step) {
  {
    const MutexLock lock(&mutex_);
    steps_.push_back(std::move(step));
  }
  changed_.NotifyOne();
}

void RequestLane::AnswerUntil(absl::Time end) {
  const MutexLock lock(&mutex_);
  queue_.AnswerUntil(end);
}

size_t RequestLane::queued() const {
  const MutexLock lock(&mutex_);
  return queue_.size() + steps_.size();
}

void RequestLane::Run(const std::stop_token& stop) {
  while (true) {
    std::function<void()> step;
    std::optional<LaneRequest> request;
    std::vector<Refusal> refused;
    {
      const MutexLock lock(&mutex_);
      const auto has_work = [this]() SEMBLANCE_REQUIRES(mutex_) { return !steps_.empty() || queue_.size() > 0; };
      if (!changed_.Wait(mutex_, stop, has_work)) {
        return;
      }
      if (!steps_.empty()) {
        step = std::move(steps_.front());
        steps_.pop_front();
      } else {
        request = queue_.Take(clock_->Now(), refused);
      }
    }
    Answer(refused);
    if (step) {
      step();
    } else if (request.has_value()) {
      RunRequest(*std::move(request));
    }
  }
}

void RequestLane::RunRequest(LaneRequest request) {
  const absl::Time start = clock_->Now();
  request.run();
  const absl::Duration duration = clock_->Now() - start;
  const MutexLock lock(&mutex_);
  queue_.Finish(request.work, duration);
}

void RequestLane::AnswerExpired() {
  while (true) {
    absl::Time next;
    std::stop_token woken;
    {
      const MutexLock lock(&mutex_);
      if (ending_) {
        return;
      }
      timer_wait_ = std::stop_source();
      woken = timer_wait_.get_token();
      next = next_deadline_ = queue_.earliest_deadline();
    }
    clock_->WaitUntil(next, woken);
    std::vector<Refusal> refused;
    {
      const MutexLock lock(&mutex_);
      refused = queue_.TakeUnwanted(clock_->Now());
    }
    Answer(refused);
  }
}

}  // namespace semblance::service
