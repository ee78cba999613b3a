// A unary call on gRPC's callback API, from admission to its single Finish.
//
// Thread-safe: any thread may call Complete, exactly once. The object deletes itself when gRPC no longer needs it. Request and
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
#include <stop_token>
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

// A stream that continues until somebody ends it.
class OpenStream {
 public:
  virtual ~OpenStream() = default;

  // Ends the stream, unless it is already ending.
  virtual void End(const absl::Status& status) = 0;
};

// Starts calls and counts those in flight, including streams. Must outlive them.
class CallTracker {
 public:
  // `metrics` must outlive the tracker.
  CallTracker(RpcMetrics* metrics, int64_t max_message_bytes, absl::Duration default_deadline)
      : metrics_(metrics), max_message_bytes_(max_message_bytes), default_deadline_(default_deadline) {}

  // Makes a call with the client's deadline, or with the default one if the client set none. Then runs `body`, which must
  // complete the call, now or later. A request above the size limit is completed with InvalidArgument/LIMIT_EXCEEDED, field
  // "request", instead. The limit of the transport is higher, because a refusal by the transport has no reason.
  UnaryCall* Run(grpc::CallbackServerContext* context, const RpcMethod& method, const google::protobuf::Message& request,
                 absl::FunctionRef<void(UnaryCall*)> body);

  // Ends the open streams, and every later one as it starts, with Unavailable/DRAINING. Call this before gRPC shuts down,
  // because no stream ends without it.
  void EndStreams();

  // Every stream that was added must be removed.
  void AddStream(const std::shared_ptr<OpenStream>& stream);
  void RemoveStream(const std::shared_ptr<OpenStream>& stream);

  // The time at which the last call arrived. It is the Unix epoch before the first call.
  absl::Time last_arrival() const { return absl::FromUnixNanos(last_arrival_ns_.load()); }

  // The number of calls that gRPC still holds. It is zero after the server has shut down.
  int64_t in_flight() const { return in_flight_.load(); }

 private:
  friend class CallRecord;

  absl::Status CheckSize(const google::protobuf::Message& request) const;

  RpcMetrics* const metrics_;
  const int64_t max_message_bytes_;
  const absl::Duration default_deadline_;
  std::atomic<int64_t> last_arrival_ns_ = 0;
  std::atomic<int64_t> in_flight_ = 0;

  Mutex mutex_;
  bool streams_ended_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::unordered_set<std::shared_ptr<OpenStream>> streams_ SEMBLANCE_GUARDED_BY(mutex_);
};

// Reports a call, unary or stream, to the tracker. The call counts as in flight while its record exists.
class CallRecord {
 public:
  CallRecord(CallTracker* tracker, const RpcMethod& method);
  ~CallRecord();
  CallRecord(const CallRecord&) = delete;
  CallRecord& operator=(const CallRecord&) = delete;

  // Records how the call ends. Call it once, before gRPC's Finish.
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

  // Gives the engine the deadline, the cancellation and the start of the call.
  const CallContext& context() const { return context_; }

  // Ends the call.
  void Complete(const absl::Status& status);

 private:
  void OnCancel() override { cancelled_.request_stop(); }
  void OnDone() override { delete this; }

  CallRecord record_;
  std::stop_source cancelled_;
  const CallContext context_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_UNARY_CALL_H_
