// One RPC whose answer the test chooses.
#ifndef SEMBLANCE_TESTS_CLI_FAKE_METHOD_H_
#define SEMBLANCE_TESTS_CLI_FAKE_METHOD_H_

#include <grpcpp/support/status.h>

#include <functional>
#include <mutex>
#include <string>

#include "google/rpc/error_details.pb.h"

namespace semblance::testing {

// Returns a status with google.rpc details. An empty field and a zero delay are left out.
inline grpc::Status RichStatus(grpc::StatusCode code, const std::string& message, const std::string& reason,
                               const std::string& field = "", int retry_delay_ms = 0) {
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  details.add_details()->PackFrom(info);
  if (!field.empty()) {
    google::rpc::BadRequest bad_request;
    bad_request.add_field_violations()->set_field(field);
    details.add_details()->PackFrom(bad_request);
  }
  if (retry_delay_ms > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_nanos(retry_delay_ms * 1'000'000);
    details.add_details()->PackFrom(retry);
  }
  return {code, message, details.SerializeAsString()};
}

// One method. It keeps the last request, and gives the answer that the test sets.
template <typename Request, typename Response>
struct FakeMethod {
  std::function<grpc::Status(const Request&, Response*)> answer = [](const Request&, Response*) { return grpc::Status::OK; };
  Request last_request;
  // Calls may arrive at the same time.
  std::mutex mutex;

  void AnswerWith(const Response& response) {
    answer = [response](const Request&, Response* out) {
      *out = response;
      return grpc::Status::OK;
    };
  }
  void FailWith(const grpc::Status& status) {
    answer = [status](const Request&, Response*) { return status; };
  }
  grpc::Status Call(const Request& request, Response* response) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      last_request = request;
    }
    return answer(request, response);
  }
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CLI_FAKE_METHOD_H_
