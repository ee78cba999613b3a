// Shows how far a long task is: a bar that redraws itself on a terminal, a plain line now and then in a log.
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
  // Draws on standard error. `unit` names what is counted, in the plural. total <= 0: not known. `already_done` of the total was
  // done before, and does not count as fast work.
  ProgressReporter(absl::string_view task, int64_t total, absl::string_view unit, int64_t already_done = 0);
  ~ProgressReporter();
  ProgressReporter(const ProgressReporter&) = delete;
  ProgressReporter& operator=(const ProgressReporter&) = delete;

  // `done` of total, never less than before; `detail` (a loss, say) goes to the end of the line. Redraws at most ten times a second
  // on a terminal, and every ten seconds elsewhere.
  void Update(int64_t done, absl::string_view detail);

  // For a task that grows while it runs.
  void SetTotal(int64_t total) { total_ = total; }

  // Prints a line that stays, above the bar.
  void Note(absl::string_view line);

  // Replaces the bar by a last line. Without it the destructor leaves the line as it is.
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

// "1m 05s", "2h 03m", "4.2s".
std::string FormatSeconds(double seconds);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRESS_H_
