#include "tests/integration/rich_error.h"

#include "google/rpc/error_details.pb.h"

namespace semblance::testing {

RichError Describe(const grpc::Status& status) {
  RichError error{.code = status.error_code(), .reason = "", .field = "", .message = status.error_message()};
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    if (any.UnpackTo(&info)) {
      error.reason = info.reason();
    } else if (any.UnpackTo(&bad_request)) {
      error.field = bad_request.field_violations(0).field();
    }
  }
  return error;
}

std::ostream& operator<<(std::ostream& out, const RichError& error) {
  return out << "code " << error.code << ", reason " << error.reason << ", field " << error.field << ": " << error.message;
}

}  // namespace semblance::testing
