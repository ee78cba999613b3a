// Completes calls that a generation answers. Thread-safe: functions without state.
#ifndef SEMBLANCE_SERVICE_RPC_COMPLETE_ANSWER_H_
#define SEMBLANCE_SERVICE_RPC_COMPLETE_ANSWER_H_

#include "absl/status/statusor.h"
#include "service/rpc/convert.h"
#include "service/rpc/unary_call.h"

namespace semblance::service {

// Sets provenance and latency of the response, calls `fill` to set the rest from the answer, and completes the call.
template <typename Answer, typename Response, typename Fill>
void CompleteAnswer(const absl::StatusOr<Answer>& answer, UnaryCall* call, Response* response, Fill fill) {
  if (answer.ok()) {
    fill(*answer);
    ToProto(answer->provenance, response->mutable_provenance());
    ToProto(answer->latency, response->mutable_latency());
  }
  call->Complete(answer.status());
}

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_RPC_COMPLETE_ANSWER_H_
