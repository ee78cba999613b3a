// One unary call on gRPC's callback API, from admission to its one Finish.
//
// Thread-safe: Complete may be called on any thread, exactly once. The object deletes itself when gRPC is done with it; request and
// response stay valid until Complete.
//
//   grpc::ServerUnaryReactor* Search(context, request, response) {
//     return calls_->Run(context, {"semblance.v1.SearchService", "Search"}, *request, [&](UnaryCall* call) {
//       engine_->Search(..., call->context(), [call, response](auto answer) { ...; call->Complete(answer.status()); });
//     });
//   }
#ifndef SEMBLANCE_SERVICE_RPC_UNARY_CALL_H_
#define SEMBLANCE_SERVICE_RPC_UNARY_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <unordered_set>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/threads/mutex.h"
#include "google/protobuf/message.h"
#include "service/engine/types.h"
#include "service/rpc/metrics.h"

namespace semblance::service {

class UnaryCall;

// A stream that goes on until somebody ends it.
class OpenStream {
 public:
  virtual ~OpenStream() = default;

  // Ends it, unless it is ending already.
  virtual void End(const absl::Status& status) = 0;
};

// Starts calls and counts those in flight, streams included. Must outlive them.
class CallTracker {
 public:
  // `metrics` must outlive the tracker.
  CallTracker(RpcMetrics* metrics, int64_t max_message_bytes, absl::Duration default_deadline)
      : metrics_(metrics), max_message_bytes_(max_message_bytes), default_deadline_(default_deadline) {}

  // Makes a call with the client's deadline, or the default one where it has none, and runs `body`, which sees to it that the call
  // is completed, now or later. A request over the size limit is completed with InvalidArgument/LIMIT_EXCEEDED, field "request",
  // instead. (The transport's own limit lies above, because its refusal carries no reason.)
  UnaryCall* Run(grpc::CallbackServerContext* context, const RpcMethod& method, const google::protobuf::Message& request,
                 absl::FunctionRef<void(UnaryCall*)> body);

  // Ends the open streams, and every later one as it starts, with Unavailable/DRAINING: no stream ends by itself when the server
  // does. To be called before gRPC shuts down.
  void EndStreams();

  // For streams: a stream that was added must be removed.
  void AddStream(const std::shared_ptr<OpenStream>& stream);
  void RemoveStream(const std::shared_ptr<OpenStream>& stream);

  // Calls that have arrived so far.
  int64_t arrived() const { return arrived_.load(); }

  // Calls that gRPC still has. Zero after the server has shut down.
  int64_t in_flight() const { return in_flight_.load(); }

 private:
  friend class CallRecord;

  absl::Status CheckSize(const google::protobuf::Message& request) const;

  RpcMetrics* const metrics_;
  const int64_t max_message_bytes_;
  const absl::Duration default_deadline_;
  std::atomic<int64_t> arrived_ = 0;
  std::atomic<int64_t> in_flight_ = 0;

  Mutex mutex_;
  bool streams_ended_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::unordered_set<std::shared_ptr<OpenStream>> streams_ SEMBLANCE_GUARDED_BY(mutex_);
};

// What a call, unary or stream, reports to the tracker: it is in flight while its record exists.
class CallRecord {
 public:
  CallRecord(CallTracker* tracker, const RpcMethod& method);
  ~CallRecord();
  CallRecord(const CallRecord&) = delete;
  CallRecord& operator=(const CallRecord&) = delete;

  // How it ends. To be called once, before gRPC is told.
  void SetHandled(const absl::Status& status);

  absl::Time start() const { return start_; }

 private:
  CallTracker* const tracker_;
  const RpcMethod method_;
  const absl::Time start_;
};

class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  UnaryCall(CallTracker* tracker, const RpcMethod& method, absl::Time deadline);

  // For the engine: deadline, cancellation, start.
  const CallContext& context() const { return context_; }

  // Ends the call.
  void Complete(const absl::Status& status);

 private:
  void OnCancel() override { cancelled_->store(true); }
  void OnDone() override { delete this; }

  CallRecord record_;
  const std::shared_ptr<std::atomic<bool>> cancelled_;
  CallContext context_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_UNARY_CALL_H_
