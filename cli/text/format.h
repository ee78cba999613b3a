// Formats values of messages as text for people.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CLI_TEXT_FORMAT_H_
#define SEMBLANCE_CLI_TEXT_FORMAT_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace semblance::cli {

// Returns text such as "2026-01-31T18:05:00+00:00".
std::string FormatTimestamp(const google::protobuf::Timestamp& timestamp);

absl::Duration ToDuration(const google::protobuf::Duration& duration);

// Returns text such as "3.2 ms" below a second. Longer durations are formatted by FormatSeconds.
std::string FormatDuration(const google::protobuf::Duration& duration);

// Returns text such as "512 B" or "1.5 MiB".
std::string FormatBytes(int64_t bytes);

// Returns the name of an enum's value in lower case and without `prefix`: "catching_up" for GENERATION_STATE_CATCHING_UP.
std::string FormatEnum(absl::string_view value_name, absl::string_view prefix);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_FORMAT_H_
