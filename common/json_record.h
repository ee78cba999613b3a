// Keeps small records on disk: messages with a format_version, as JSON, which are replaced atomically.
//
// Thread-safe, because the functions have no state.
//
// Errors: DataLoss/MANIFEST_INVALID with the path for a version that this program does not know; those of json_proto.h.
#ifndef SEMBLANCE_COMMON_JSON_RECORD_H_
#define SEMBLANCE_COMMON_JSON_RECORD_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/json_proto.h"
#include "common/status_macros.h"

namespace semblance {

inline constexpr int kRecordFormatVersion = 1;

template <typename Message>
absl::StatusOr<Message> ReadJsonRecord(const std::string& path) {
  Message message;
  SEMBLANCE_RETURN_IF_ERROR(ReadJsonProto(path, &message));
  if (message.format_version() != kRecordFormatVersion) {
    return Error(
        absl::StatusCode::kDataLoss, v1::ERROR_REASON_MANIFEST_INVALID,
        absl::StrCat(path, ": format_version is ", message.format_version(), "; this program reads ", kRecordFormatVersion));
  }
  return message;
}

// Returns nullopt when there is no file.
template <typename Message>
absl::StatusOr<std::optional<Message>> ReadJsonRecordIfThere(const std::string& path) {
  absl::StatusOr<Message> message = ReadJsonRecord<Message>(path);
  if (absl::IsNotFound(message.status())) {
    return std::optional<Message>();
  }
  SEMBLANCE_RETURN_IF_ERROR(message.status());
  return std::optional<Message>(*std::move(message));
}

// Fills in format_version. The record is durable when the function returns.
template <typename Message>
absl::Status WriteJsonRecord(const std::string& path, Message message) {
  message.set_format_version(kRecordFormatVersion);
  return WriteJsonProto(path, message);
}

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_JSON_RECORD_H_
