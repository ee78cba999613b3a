#include "service/tasks/durable_queue.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "common/error.h"

namespace semblance::service {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);

}  // namespace

DurableQueue::Task::Task(DurableQueue* queue, std::shared_ptr<Entry> entry)
    : queue_(queue), entry_(std::move(entry)), stop_(entry_->stop.stop()) {}

const std::string& DurableQueue::Task::id() const {
  return entry_->id;
}

void DurableQueue::Task::Close() {
  MutexLock lock(&queue_->mutex_);
  queue_->CloseEntry(*entry_);
}

absl::Status DurableQueue::Task::CloseUnlessCancelled() {
  MutexLock lock(&queue_->mutex_);
  if (stop_.cancelled()) {
    return stop_.Check();
  }
  queue_->CloseEntry(*entry_);
  return absl::OkStatus();
}

DurableQueue::DurableQueue(Options options, std::function<void(Task&)> run) : options_(std::move(options)), run_(std::move(run)) {}

DurableQueue::~DurableQueue() {
  Shutdown();
}

void DurableQueue::Start() {
  started_ = true;
  for (int i = 0; i < options_.worker_count; ++i) {
    workers_.emplace_back(options_.name, [this](const std::stop_token& stop) { RunWorker(stop); });
  }
}

void DurableQueue::Shutdown() {
  stopping_ = true;
  for (Worker& worker : workers_) {
    worker.RequestStop();
  }
  {
    MutexLock lock(&mutex_);
    for (const auto& [id, entry] : open_) {
      entry->stop.ShutDown();
    }
  }
  workers_.clear();
}

absl::Status DurableQueue::CheckStarted() const {
  if (started_) {
    return absl::OkStatus();
  }
  return WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_NO_ACTIVE_GENERATION, "the server is starting"),
                        kRetry);
}

absl::Status DurableQueue::CheckRunning() const {
  if (stopping_) {
    return WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING, "the server is shutting down"), kRetry);
  }
  return CheckStarted();
}

void DurableQueue::Add(const std::string& id, Place place) {
  {
    MutexLock lock(&mutex_);
    auto entry = std::make_shared<Entry>();
    entry->id = id;
    open_[id] = entry;
    waiting_.insert(place == Place::kFirst ? waiting_.begin() : waiting_.end(), std::move(entry));
  }
  changed_.NotifyOne();
}

bool DurableQueue::Withdraw(const std::string& id) {
  MutexLock lock(&mutex_);
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&id](const auto& entry) { return entry->id == id; });
  if (found == waiting_.end()) {
    return false;
  }
  CloseEntry(**found);
  waiting_.erase(found);
  return true;
}

bool DurableQueue::Cancel(const std::string& id) {
  // The lock is held, so that CloseUnlessCancelled sees every accepted cancellation.
  MutexLock lock(&mutex_);
  const auto found = open_.find(id);
  if (found == open_.end()) {
    return false;
  }
  found->second->stop.Cancel();
  return true;
}

std::optional<std::string> DurableQueue::AnyOpen() const {
  MutexLock lock(&mutex_);
  return open_.empty() ? std::nullopt : std::optional(open_.begin()->first);
}

size_t DurableQueue::waiting_count() const {
  MutexLock lock(&mutex_);
  return waiting_.size();
}

void DurableQueue::RunWorker(const std::stop_token& stop) {
  if (options_.on_worker_start) {
    options_.on_worker_start();
  }
  while (std::shared_ptr<Entry> entry = TakeNext(stop)) {
    Task task(this, std::move(entry));
    run_(task);
    task.Close();
  }
}

std::shared_ptr<DurableQueue::Entry> DurableQueue::TakeNext(const std::stop_token& stop) {
  MutexLock lock(&mutex_);
  changed_.Wait(mutex_, stop, [this]() SEMBLANCE_REQUIRES(mutex_) { return !waiting_.empty(); });
  if (stop.stop_requested()) {
    return nullptr;
  }
  std::shared_ptr<Entry> entry = std::move(waiting_.front());
  waiting_.pop_front();
  return entry;
}

void DurableQueue::CloseEntry(const Entry& entry) {
  const auto found = open_.find(entry.id);
  if (found != open_.end() && found->second.get() == &entry) {
    open_.erase(found);
  }
}

}  // namespace semblance::service
