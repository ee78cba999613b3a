#include "service/training/log_tail.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/text_proto.h"

namespace semblance::service {
namespace {

constexpr int64_t kMaxBytes = 64 << 10;

std::string Cleaned(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\r");
  if (const size_t last = line.rfind('\r'); last != absl::string_view::npos) {
    line.remove_prefix(last + 1);
  }
  std::string text(line);
  if (!IsUtf8(text)) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  }
  return text;
}

}  // namespace

absl::StatusOr<LogLines> ReadLogLines(const std::string& path, int64_t offset, int max_lines) {
  LogLines log;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {
    return log;
  }
  const auto size = static_cast<int64_t>(file.tellg());
  if (offset > size) {
    offset = 0;
  }
  const int64_t begin = std::max({offset, int64_t{0}, size - kMaxBytes});
  std::string bytes(static_cast<size_t>(size - begin), '\0');
  file.seekg(begin);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  const size_t end = bytes.rfind('\n');
  if (end == std::string::npos) {
    log.next_offset = begin;
    return log;
  }
  log.next_offset = begin + static_cast<int64_t>(end) + 1;
  std::vector<absl::string_view> lines = absl::StrSplit(absl::string_view(bytes).substr(0, end), '\n');
  // When the beginning was cut off, the first line is incomplete.
  if (begin > std::max<int64_t>(offset, 0)) {
    lines.erase(lines.begin());
  }
  const size_t count = std::min(lines.size(), static_cast<size_t>(std::max(max_lines, 0)));
  for (auto line = lines.end() - static_cast<std::ptrdiff_t>(count); line != lines.end(); ++line) {
    log.lines.push_back(Cleaned(*line));
  }
  return log;
}

}  // namespace semblance::service
