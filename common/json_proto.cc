#include "common/json_proto.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace semblance {

absl::Status ReadJsonProto(const std::string& path, google::protobuf::Message* message) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  message->Clear();
  const auto status = google::protobuf::util::JsonStringToMessage(json, message);
  return status.ok()
             ? absl::OkStatus()
             : Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_MANIFEST_INVALID, absl::StrCat(path, ": ", status.ToString()));
}

absl::Status WriteJsonProto(const std::string& path, const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? WriteFileAtomically(path, json) : absl::InternalError(absl::StrCat(path, ": ", status.ToString()));
}

}  // namespace semblance
