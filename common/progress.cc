#include "common/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace semblance {
namespace {

constexpr int kBarWidth = 24;
constexpr absl::Duration kTerminalInterval = absl::Milliseconds(100);
constexpr absl::Duration kLogInterval = absl::Seconds(10);

std::string Bar(double share) {
  const int filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * kBarWidth));
  return absl::StrCat("[", std::string(filled, '#'), std::string(kBarWidth - filled, '.'), "]");
}

}  // namespace

std::string FormatSeconds(double seconds) {
  if (seconds < 59.95) {  // "%.1f" rounds these to less than a minute.
    return absl::StrFormat("%.1fs", seconds);
  }
  const auto whole = static_cast<int64_t>(std::lround(seconds));
  if (whole < 3600) {
    return absl::StrFormat("%dm %02ds", whole / 60, whole % 60);
  }
  return absl::StrFormat("%dh %02dm", whole / 3600, whole % 3600 / 60);
}

ProgressReporter::ProgressReporter(absl::string_view task, int64_t total, absl::string_view unit, int64_t already_done)
    : task_(task),
      total_(total),
      unit_(unit),
      already_done_(already_done),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(absl::Now()) {}

ProgressReporter::~ProgressReporter() {
  if (line_open_) {
    std::fputc('\n', stderr);
  }
}

void ProgressReporter::Update(int64_t done, absl::string_view detail) {
  const absl::Time now = absl::Now();
  if (now - last_draw_ >= (terminal_ ? kTerminalInterval : kLogInterval)) {
    last_draw_ = now;
    Draw(done, detail);
  }
}

void ProgressReporter::Draw(int64_t done, absl::string_view detail) {
  const double elapsed = absl::ToDoubleSeconds(absl::Now() - start_);
  const double rate = elapsed > 0 ? static_cast<double>(done - already_done_) / elapsed : 0;
  std::string line = absl::StrCat(task_, " ");
  if (total_ > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(total_);
    absl::StrAppend(&line, terminal_ ? Bar(share) : "", absl::StrFormat("%3.0f%% %d/%d %s", 100 * share, done, total_, unit_));
  } else {
    absl::StrAppend(&line, done, " ", unit_);
  }
  absl::StrAppend(&line, absl::StrFormat(", %.0f %s/s", rate, unit_));
  if (total_ > 0 && rate > 0) {
    absl::StrAppend(&line, ", ", FormatSeconds(static_cast<double>(total_ - done) / rate), " left");
  }
  if (!detail.empty()) {
    absl::StrAppend(&line, ", ", detail);
  }
  std::fprintf(stderr, terminal_ ? "\r%s\033[K" : "%s\n", line.c_str());
  std::fflush(stderr);
  line_open_ = terminal_;
}

void ProgressReporter::Note(absl::string_view line) {
  std::fprintf(stderr, terminal_ ? "\r%s\033[K\n" : "%s\n", std::string(line).c_str());
  std::fflush(stderr);
  line_open_ = false;
}

void ProgressReporter::Finish(absl::string_view summary) {
  Note(absl::StrCat(task_, " ", summary));
}

}  // namespace semblance
