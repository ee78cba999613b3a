// The reason and the field that the server attached to the status of a failed call (google.rpc.Status).
//
// Thread-safe: a value and a function without state.
#ifndef SEMBLANCE_TESTS_INTEGRATION_RICH_ERROR_H_
#define SEMBLANCE_TESTS_INTEGRATION_RICH_ERROR_H_

#include <grpcpp/grpcpp.h>

#include <ostream>
#include <string>

namespace semblance::testing {

struct RichError {
  grpc::StatusCode code = grpc::StatusCode::OK;
  // These fields are empty if the status has no such detail.
  std::string reason;
  std::string field;
  std::string message;

  bool ok() const { return code == grpc::StatusCode::OK; }
};

RichError Describe(const grpc::Status& status);

std::ostream& operator<<(std::ostream& out, const RichError& error);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_RICH_ERROR_H_
