// One stream on which a client watches something change, on gRPC's callback API, from admission to its one Finish.
//
// Thread-safe. Only the newest message that was not sent is kept: a client that reads slowly misses what lies in between, and never
// gets an older message after a newer one. Messages that are not urgent are sent once in `min_interval`; the last of them is sent
// too.
//
// Ownership: gRPC holds the reactor until it is done with the call. Whoever sends holds the WatchCall, which may outlive the
// reactor: what is sent after the end is dropped. No lock is held while `on_done` runs.
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
    watch->reactor_ = new Reactor(watch, tracker, method);  // Deletes itself: see OnDone.
    tracker->AddStream(watch);
    return watch;
  }

  // What the RPC's handler returns.
  grpc::ServerWriteReactor<Message>* reactor() const { return reactor_; }

  // What to do when gRPC is done with the call, however it ended. To be set, if at all, before the handler returns.
  void set_on_done(std::function<void()> on_done) {
    MutexLock lock(&mutex_);
    on_done_ = std::move(on_done);
  }

  // What each message gets at the moment when it is written, so that no message that was replaced has it: what must be told once,
  // such as what is new since the message before. To be set, if at all, before the first Send. Called under the watch's lock, one
  // call at a time, on the thread that sends or one of gRPC's: must be quick and must not call the watch.
  void set_before_write(std::function<void(Message*)> before_write) {
    MutexLock lock(&mutex_);
    before_write_ = std::move(before_write);
  }

  // In place of what is not sent yet. An urgent message does not wait for the interval; nor does one that replaces it.
  void Send(Message message, bool urgent) {
    MutexLock lock(&mutex_);
    if (!end_.has_value()) {
      pending_ = std::move(message);
      urgent_ = urgent_ || urgent;
      Advance();
    }
  }

  // Ends the stream: with OK after the last message, with an error without it. The first end counts.
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

  // Does what can be done now. gRPC calls the reactor back on threads of its own, never from within StartWrite or Finish; so they
  // may be called under the lock.
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

  // Lets the interval begin. A new timer each time, because the callback of the one before may still be running.
  void Rest() SEMBLANCE_REQUIRES(mutex_) {
    if (min_interval_ <= absl::ZeroDuration()) {
      return;
    }
    resting_ = true;
    timer_ = std::make_unique<grpc::Alarm>();
    // The timer keeps its callback for as long as it exists: a strong reference would be a cycle.
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
      // The client has gone; what is left cannot be sent.
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
  // Valid until finished_: gRPC lets go of it after that.
  Reactor* reactor_ = nullptr;

  Mutex mutex_;
  std::optional<Message> pending_ SEMBLANCE_GUARDED_BY(mutex_);
  // gRPC reads it while writing_.
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
