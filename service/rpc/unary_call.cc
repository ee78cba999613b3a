#include "service/rpc/unary_call.h"

#include <grpcpp/server_context.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "service/rpc/error_status.h"

namespace semblance {

UnaryCall* CallTracker::Run(grpc::CallbackServerContext* context, const RpcMethod& method, const google::protobuf::Message& request,
                            absl::FunctionRef<void(UnaryCall*)> body) {
  absl::Time deadline = absl::FromChrono(context->deadline());
  // A client that sets no deadline arrives with one at the end of time.
  const absl::Time now = absl::Now();
  if (deadline > now + absl::Hours(24 * 365)) {
    deadline = now + default_deadline_;
  }
  auto* call = new UnaryCall(this, method, deadline);  // Deletes itself: see OnDone.
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
  return InvalidField("request", "LIMIT_EXCEEDED",
                      absl::StrCat("the request has ", size, " bytes; the limit is ", max_message_bytes_, ": send less at once"));
}

UnaryCall::UnaryCall(CallTracker* tracker, const RpcMethod& method, absl::Time deadline)
    : tracker_(tracker), method_(method), cancelled_(std::make_shared<std::atomic<bool>>(false)) {
  context_ = {.deadline = deadline, .cancelled = cancelled_, .start = absl::Now()};
  tracker_->arrived_.fetch_add(1);
  tracker_->in_flight_.fetch_add(1);
  tracker_->metrics_->CountStarted(method_);
}

void UnaryCall::Complete(const absl::Status& status) {
  tracker_->metrics_->ObserveHandled(method_, status, absl::Now() - context_.start);
  Finish(ToGrpcStatus(status));  // The object may be gone after this line.
}

void UnaryCall::OnDone() {
  tracker_->in_flight_.fetch_sub(1);
  delete this;
}

}  // namespace semblance
