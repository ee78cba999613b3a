// Shows the progress of a long task. A terminal gets a bar that redraws itself, and a log gets a plain line now and then.
//
// Not thread-safe.
//
//   ProgressReporter progress("ingest", /*total=*/10000, "images");
//   progress.Update(done, "3 retries");
//   progress.Finish("10,000 images, 0 failed");
#ifndef SEMBLANCE_COMMON_PROGRESS_H_
#define SEMBLANCE_COMMON_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace semblance {

class ProgressReporter {
 public:
  // Draws on standard error. `unit` is the plural of what is counted. A total of 0 or less means that it is not known. The first
  // `already_done` units were done by an earlier run, and do not count for the speed.
  ProgressReporter(absl::string_view task, int64_t total, absl::string_view unit, int64_t already_done = 0);
  ~ProgressReporter();
  ProgressReporter(const ProgressReporter&) = delete;
  ProgressReporter& operator=(const ProgressReporter&) = delete;

  // Shows that `done` units are done, which must never fall. `detail`, such as a loss, is the end of the line. Redraws at most ten
  // times a second on a terminal, and every ten seconds elsewhere.
  void Update(int64_t done, absl::string_view detail);

  // Changes the total, for a task that grows while it runs.
  void SetTotal(int64_t total) { total_ = total; }

  // Prints a line above the bar, where it stays.
  void Note(absl::string_view line);

  // Replaces the bar with a last line. If Finish is not called, the destructor leaves the bar as it is.
  void Finish(absl::string_view summary);

 private:
  void Draw(int64_t done, absl::string_view detail);

  const std::string task_;
  int64_t total_;
  const std::string unit_;
  const int64_t already_done_;
  const bool terminal_;
  const absl::Time start_;
  absl::Time last_draw_ = absl::InfinitePast();
  bool line_open_ = false;
};

// Formats a duration: "1m 05s", "2h 03m", "4.2s".
std::string FormatSeconds(double seconds);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRESS_H_
