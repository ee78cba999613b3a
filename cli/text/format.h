// Values of messages as text for people.
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

// "2026-01-31T18:05:00+00:00".
std::string FormatTimestamp(const google::protobuf::Timestamp& timestamp);

absl::Duration ToDuration(const google::protobuf::Duration& duration);

// "3.2 ms" below a second, then as FormatSeconds.
std::string FormatDuration(const google::protobuf::Duration& duration);

// "512 B", "1.5 MiB".
std::string FormatBytes(int64_t bytes);

// The name of an enum's value without the enum's: "catching_up" of GENERATION_STATE_CATCHING_UP.
std::string FormatEnum(absl::string_view value_name, absl::string_view prefix);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_FORMAT_H_
