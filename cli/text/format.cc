#include "cli/text/format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/progress.h"

namespace semblance::cli {

std::string FormatTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FormatTime(absl::RFC3339_sec, absl::FromUnixSeconds(timestamp.seconds()), absl::UTCTimeZone());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string FormatDuration(const google::protobuf::Duration& duration) {
  const absl::Duration time = ToDuration(duration);
  return time < absl::Seconds(1) ? absl::StrFormat("%.1f ms", absl::ToDoubleMilliseconds(time))
                                 : FormatSeconds(absl::ToDoubleSeconds(time));
}

std::string FormatBytes(int64_t bytes) {
  auto value = static_cast<double>(bytes);
  if (value < 1024) {
    return absl::StrCat(bytes, " B");
  }
  const char* unit = "KiB";
  value /= 1024;
  for (const char* next : {"MiB", "GiB", "TiB"}) {
    // From 1023.95 on, "%.1f" would print 1024.0.
    if (value < 1023.95) {
      break;
    }
    value /= 1024;
    unit = next;
  }
  return absl::StrFormat("%.1f %s", value, unit);
}

std::string FormatEnum(absl::string_view value_name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(value_name, prefix));
}

}  // namespace semblance::cli
