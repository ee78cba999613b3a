// Keeps messages in files, in protobuf's JSON mapping with the names of the .proto file.
//
// Thread-safe, because the functions have no state.
#ifndef SEMBLANCE_COMMON_JSON_PROTO_H_
#define SEMBLANCE_COMMON_JSON_PROTO_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"

namespace semblance {

// Replaces the content of `message`. Errors: DataLoss/MANIFEST_INVALID with the path for JSON that does not fit, which includes an
// unknown field; the same as ReadFile.
absl::Status ReadJsonProto(const std::string& path, google::protobuf::Message* message);

// Replaces the file durably and atomically. REQUIRES: strings are UTF-8. Errors: the same as WriteFileAtomically.
absl::Status WriteJsonProto(const std::string& path, const google::protobuf::Message& message);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_JSON_PROTO_H_
