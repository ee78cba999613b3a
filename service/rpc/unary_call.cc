#include "service/rpc/unary_call.h"

#include <grpcpp/server_context.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "service/rpc/error_status.h"

namespace semblance::service {
namespace {

absl::Status DrainingError() {
  return WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING, "the server is shutting down"),
                        absl::Seconds(1));
}

}  // namespace

UnaryCall* CallTracker::Run(grpc::CallbackServerContext* context, const RpcMethod& method, const google::protobuf::Message& request,
                            absl::FunctionRef<void(UnaryCall*)> body) {
  absl::Time deadline = absl::FromChrono(context->deadline());
  // gRPC gives a client without a deadline one that is infinitely far away.
  const absl::Time now = absl::Now();
  if (deadline > now + absl::Hours(24 * 365)) {
    deadline = now + default_deadline_;
  }
  auto* call = new UnaryCall(this, method, deadline);  // OnDone deletes it.
  if (const absl::Status status = CheckSize(request); !status.ok()) {
    call->Complete(status);
  } else {
    body(call);
  }
  return call;
}

absl::Status CallTracker::CheckSize(const google::protobuf::Message& request) const {
  const auto size = static_cast<int64_t>(request.ByteSizeLong());
  if (size <= max_message_bytes_) {
    return absl::OkStatus();
  }
  return InvalidField("request", v1::ERROR_REASON_LIMIT_EXCEEDED,
                      absl::StrCat("the request has ", size, " bytes; the limit is ", max_message_bytes_, ": send less at once"));
}

void CallTracker::EndStreams() {
  std::unordered_set<std::shared_ptr<OpenStream>> streams;
  {
    MutexLock lock(&mutex_);
    streams_ended_ = true;
    streams = streams_;
  }
  for (const std::shared_ptr<OpenStream>& stream : streams) {
    stream->End(DrainingError());
  }
}

void CallTracker::AddStream(const std::shared_ptr<OpenStream>& stream) {
  {
    MutexLock lock(&mutex_);
    streams_.insert(stream);
    if (!streams_ended_) {
      return;
    }
  }
  stream->End(DrainingError());
}

void CallTracker::RemoveStream(const std::shared_ptr<OpenStream>& stream) {
  MutexLock lock(&mutex_);
  streams_.erase(stream);
}

CallRecord::CallRecord(CallTracker* tracker, const RpcMethod& method) : tracker_(tracker), method_(method), start_(absl::Now()) {
  tracker_->last_arrival_ns_.store(absl::ToUnixNanos(start_));
  tracker_->in_flight_.fetch_add(1);
  tracker_->metrics_->CountStarted(method_);
}

CallRecord::~CallRecord() {
  tracker_->in_flight_.fetch_sub(1);
}

void CallRecord::SetHandled(const absl::Status& status) {
  tracker_->metrics_->ObserveHandled(method_, status, absl::Now() - start_);
}

UnaryCall::UnaryCall(CallTracker* tracker, const RpcMethod& method, absl::Time deadline)
    : record_(tracker, method), context_({.deadline = deadline, .cancelled = cancelled_.get_token(), .start = record_.start()}) {}

void UnaryCall::Complete(const absl::Status& status) {
  record_.SetHandled(status);
  Finish(ToGrpcStatus(status));  // The object may be destroyed after this line.
}

}  // namespace semblance::service
