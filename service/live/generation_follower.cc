#include "service/live/generation_follower.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/logging.h"
#include "common/status_macros.h"
#include "generation/catalog_rows.h"
#include "service/live/vector_rows.h"

namespace semblance::service {
namespace {

constexpr int kChangesPerRead = 1024;
constexpr size_t kImagesPerInference = 16;

// The changes that a step has read: the last one of each id, and the vectors of the written items by their sequences.
struct PendingChanges {
  std::map<std::string, catalog::Change> by_id;
  std::map<uint64_t, std::vector<float>> vectors;
};

absl::Status EmbedInto(const catalog::Catalog& catalog, const embedder::Embedder& embedder, absl::Span<const uint64_t> sequences,
                       PendingChanges& pending) {
  for (size_t begin = 0; begin < sequences.size(); begin += kImagesPerInference) {
    SEMBLANCE_ASSIGN_OR_RETURN(const generation::StoredVectors stored,
                               generation::EmbedStored(catalog, embedder, sequences.subspan(begin, kImagesPerInference)));
    ForEachRow(stored.vectors, embedder.dimension(), [&](size_t row, absl::Span<const float> vector) {
      pending.vectors[stored.sequences[row]].assign(vector.begin(), vector.end());
    });
  }
  return absl::OkStatus();
}

}  // namespace

GenerationFollower::GenerationFollower(std::shared_ptr<Generation> generation, const catalog::Catalog* catalog, ThreadPool* thread,
                                       std::function<void(const absl::Status&)> on_failure, const Clock* clock)
    : generation_(std::move(generation)), catalog_(catalog), thread_(thread), on_failure_(std::move(on_failure)), clock_(clock) {}

GenerationFollower::~GenerationFollower() {
  RequestStop();
  MutexLock lock(&mutex_);
  changed_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return !running_; });
}

void GenerationFollower::RequestStop() {
  MutexLock lock(&mutex_);
  stop_ = true;
}

void GenerationFollower::Start() {
  {
    MutexLock lock(&mutex_);
    started_ = true;
  }
  Notify();  // For the changes before this call.
}

void GenerationFollower::Notify() {
  {
    MutexLock lock(&mutex_);
    due_ = true;
    if (!started_ || stop_ || running_) {
      return;
    }
    running_ = true;
  }
  thread_->Schedule([this] { Run(); });
}

void GenerationFollower::Run() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      if (!due_ || stop_) {
        running_ = false;
        changed_.NotifyAll();  // Under the lock, because the destructor may then finish at once.
        return;
      }
      due_ = false;
    }
    if (const absl::Status status = CatchUp(absl::InfiniteFuture()); !status.ok() && !absl::IsCancelled(status)) {
      LOG(ERROR) << "generation " << generation_->manifest().id() << " no longer follows the catalog: " << status;
      RequestStop();
      on_failure_(status);
    }
  }
}

absl::Status GenerationFollower::CatchUp(absl::Time deadline, const std::function<void(uint64_t)>& on_progress) {
  MutexLock rounds(&rounds_);
  return Rounds(deadline, on_progress);
}

absl::Status GenerationFollower::Rounds(absl::Time deadline, const std::function<void(uint64_t)>& on_progress) {
  bool done = false;
  while (true) {
    SEMBLANCE_RETURN_IF_ERROR(CheckStop());
    SEMBLANCE_RETURN_IF_ERROR(Step(done));
    if (on_progress) {
      on_progress(generation_->index().applied_sequence());
    }
    if (done) {
      return absl::OkStatus();
    }
    if (clock_->Now() > deadline) {
      return absl::DeadlineExceededError("writes arrive faster than the generation takes them");
    }
  }
}

absl::Status GenerationFollower::CheckStop() {
  MutexLock lock(&mutex_);
  return stop_ ? absl::CancelledError("the generation is being unloaded") : absl::OkStatus();
}

absl::Status GenerationFollower::Step(bool& done) {
  PendingChanges pending;
  uint64_t read = generation_->index().applied_sequence();
  while (true) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<catalog::Change> changes, catalog_->ReadChanges(read, kChangesPerRead));
    // When nothing is left, the changes read so far are the whole state of the catalog. Every image that was not replaced since
    // could be embedded.
    done = changes.empty();
    if (done || pending.by_id.size() >= kMaxStep) {
      break;
    }
    SEMBLANCE_RETURN_IF_ERROR(CheckStop());
    std::vector<uint64_t> written;
    for (const catalog::Change& change : changes) {
      pending.by_id[change.item.id] = change;
      if (!change.deleted) {
        written.push_back(change.sequence);
      }
    }
    read = changes.back().sequence;
    SEMBLANCE_RETURN_IF_ERROR(EmbedInto(*catalog_, generation_->embedder(), written, pending));
  }
  if (pending.by_id.empty()) {
    return absl::OkStatus();
  }
  std::vector<const catalog::Change*> changes;
  for (const auto& [id, change] : pending.by_id) {
    changes.push_back(&change);
  }
  std::sort(changes.begin(), changes.end(),
            [](const catalog::Change* a, const catalog::Change* b) { return a->sequence < b->sequence; });
  return generation_->ApplyLog(changes, pending.vectors, read);
}

}  // namespace semblance::service
