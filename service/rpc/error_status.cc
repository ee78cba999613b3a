#include "service/rpc/error_status.h"

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/error.h"
#include "google/rpc/error_details.pb.h"
#include "service/rpc/convert.h"

namespace semblance::service {
namespace {

constexpr char kDomain[] = "semblance";

google::rpc::Status DetailsOf(const absl::Status& status) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  if (const std::string reason = ReasonName(ReasonOf(status)); !reason.empty()) {
    google::rpc::ErrorInfo info;
    info.set_reason(reason);
    info.set_domain(kDomain);
    details.add_details()->PackFrom(info);
  }
  if (const std::string field = ErrorField(status); !field.empty()) {
    google::rpc::BadRequest bad_request;
    google::rpc::BadRequest::FieldViolation& violation = *bad_request.add_field_violations();
    violation.set_field(field);
    violation.set_description(std::string(status.message()));
    details.add_details()->PackFrom(bad_request);
  }
  if (const std::optional<absl::Duration> delay = RetryDelay(status); delay.has_value()) {
    google::rpc::RetryInfo retry;
    ToProto(*delay, retry.mutable_retry_delay());
    details.add_details()->PackFrom(retry);
  }
  return details;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) {
    return grpc::Status::OK;
  }
  const google::rpc::Status details = DetailsOf(status);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(),
                      details.details_size() == 0 ? std::string() : details.SerializeAsString());
}

}  // namespace semblance::service
