// A stream on gRPC's callback API that shows a client how something changes, from admission to its single Finish.
//
// Thread-safe. Only the newest unsent message is kept. A client that reads slowly misses messages in between, but never gets an
// older message after a newer one. Messages that are not urgent are sent at most once in `min_interval`. The last of them is
// always sent.
//
// Ownership: gRPC holds the reactor until the call is over. The sender holds the WatchCall, which may outlive the reactor.
// Messages that are sent after the end are dropped. No lock is held while `on_done` runs.
//
//   grpc::ServerWriteReactor<Message>* Watch(context, request) {
//     const auto watch = WatchCall<Message>::Start(calls_, method, absl::Milliseconds(200));
//     const int64_t token = source_->AddObserver([watch](const State& state) { watch->Send(ToProto(state), false); });
//     watch->set_on_done([this, token] { source_->RemoveObserver(token); });
//     return watch->reactor();
//   }
#ifndef SEMBLANCE_SERVICE_RPC_WATCH_CALL_H_
#define SEMBLANCE_SERVICE_RPC_WATCH_CALL_H_

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/threads/mutex.h"
#include "service/rpc/error_status.h"
#include "service/rpc/metrics.h"
#include "service/rpc/unary_call.h"

namespace semblance::service {

template <typename Message>
class WatchCall final : public OpenStream, public std::enable_shared_from_this<WatchCall<Message>> {
 public:
  // `tracker` must outlive the call.
  static std::shared_ptr<WatchCall> Start(CallTracker* tracker, const RpcMethod& method, absl::Duration min_interval) {
    std::shared_ptr<WatchCall> watch(new WatchCall(min_interval));
    watch->reactor_ = new Reactor(watch, tracker, method);  // OnDone deletes it.
    tracker->AddStream(watch);
    return watch;
  }

  // The handler of the RPC returns this.
  grpc::ServerWriteReactor<Message>* reactor() const { return reactor_; }

  // `on_done` runs when the call is over, however it ended. Set it, if at all, before the handler returns.
  void set_on_done(std::function<void()> on_done) {
    MutexLock lock(&mutex_);
    on_done_ = std::move(on_done);
  }

  // `complete` adds to each message, at the moment when it is written, what must be told exactly once, for example what is new
  // since the message before. A message that was replaced never gets it. Set it, if at all, before the first Send. It runs
  // under the watch's lock, one call at a time, on the sending thread or one of gRPC's. It must be quick and must not call the
  // watch.
  void set_before_write(std::function<void(Message*)> before_write) {
    MutexLock lock(&mutex_);
    before_write_ = std::move(before_write);
  }

  // Replaces the message that is not sent yet. An urgent message does not wait for the interval, and neither does a message
  // that replaces it.
  void Send(Message message, bool urgent) {
    MutexLock lock(&mutex_);
    if (!end_.has_value()) {
      pending_ = std::move(message);
      urgent_ = urgent_ || urgent;
      Advance();
    }
  }

  // Ends the stream. With OK the last message is sent first; with an error it is dropped. Only the first end counts.
  void End(const absl::Status& status) override {
    MutexLock lock(&mutex_);
    if (!end_.has_value()) {
      end_ = status;
      Advance();
    }
  }

 private:
  class Reactor final : public grpc::ServerWriteReactor<Message> {
   public:
    Reactor(std::shared_ptr<WatchCall> watch, CallTracker* tracker, const RpcMethod& method)
        : watch_(std::move(watch)), tracker_(tracker), record_(tracker, method) {}

    void FinishWith(const absl::Status& status) {
      record_.SetHandled(status);
      this->Finish(ToGrpcStatus(status));
    }

   private:
    void OnWriteDone(bool ok) override { watch_->WriteDone(ok); }
    void OnCancel() override { watch_->End(absl::CancelledError("the client has gone")); }
    void OnDone() override {
      tracker_->RemoveStream(watch_);
      watch_->Done();
      delete this;
    }

    const std::shared_ptr<WatchCall> watch_;
    CallTracker* const tracker_;
    CallRecord record_;
  };

  explicit WatchCall(absl::Duration min_interval) : min_interval_(min_interval) {}

  // Writes or finishes if that is possible now. gRPC calls the reactor back on its own threads, never from within StartWrite or
  // Finish, so these may be called under the lock.
  void Advance() SEMBLANCE_REQUIRES(mutex_) {
    if (finished_ || writing_) {
      return;
    }
    if (end_.has_value() && (!end_->ok() || !pending_.has_value())) {
      finished_ = true;
      pending_.reset();
      timer_.reset();
      reactor_->FinishWith(*end_);
    } else if (pending_.has_value() && (end_.has_value() || urgent_ || !resting_)) {
      sending_ = *std::move(pending_);
      pending_.reset();
      urgent_ = false;
      writing_ = true;
      if (before_write_) {
        before_write_(&sending_);
      }
      Rest();
      reactor_->StartWrite(&sending_);
    }
  }

  // Starts the interval. Each interval needs a new timer, because the callback of the previous one may still be running.
  void Rest() SEMBLANCE_REQUIRES(mutex_) {
    if (min_interval_ <= absl::ZeroDuration()) {
      return;
    }
    resting_ = true;
    timer_ = std::make_unique<grpc::Alarm>();
    // The timer keeps its callback as long as it exists, so a strong reference would be a cycle.
    timer_->Set(absl::ToChronoTime(absl::Now() + min_interval_), [self = this->weak_from_this()](bool expired) {
      if (const std::shared_ptr<WatchCall> watch = self.lock(); watch != nullptr && expired) {
        watch->Rested();
      }
    });
  }

  void Rested() {
    MutexLock lock(&mutex_);
    resting_ = false;
    Advance();
  }

  void WriteDone(bool ok) {
    MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) {
      // The client is gone, so the remaining message cannot be sent.
      pending_.reset();
      end_ = end_.value_or(absl::CancelledError("the client has gone"));
    }
    Advance();
  }

  void Done() {
    std::function<void()> on_done;
    {
      MutexLock lock(&mutex_);
      on_done = std::move(on_done_);
    }
    if (on_done) {
      on_done();
    }
  }

  const absl::Duration min_interval_;
  // Valid until finished_ is set. After that gRPC may destroy it.
  Reactor* reactor_ = nullptr;

  Mutex mutex_;
  std::optional<Message> pending_ SEMBLANCE_GUARDED_BY(mutex_);
  // gRPC reads it while writing_ is true.
  Message sending_ SEMBLANCE_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ SEMBLANCE_GUARDED_BY(mutex_);
  bool urgent_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool writing_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool resting_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool finished_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::Alarm> timer_ SEMBLANCE_GUARDED_BY(mutex_);
  std::function<void(Message*)> before_write_ SEMBLANCE_GUARDED_BY(mutex_);
  std::function<void()> on_done_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_WATCH_CALL_H_
