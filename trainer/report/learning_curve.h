// Draws how values changed over the steps of a run: panels one below the other, each with one or several lines.
//
// Thread-safe: a function without state. The same arguments give the same bytes.
#ifndef SEMBLANCE_TRAINER_REPORT_LEARNING_CURVE_H_
#define SEMBLANCE_TRAINER_REPORT_LEARNING_CURVE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace semblance::trainer {

struct CurvePoint {
  double step = 0;
  double value = 0;

  bool operator==(const CurvePoint&) const = default;
};

// One line, in the order of its points. The line has a gap where the step or the value is not finite. A point without a neighbor is
// drawn as a dot.
struct CurveSeries {
  // The name in the legend. Text is drawn in ASCII; other characters become "?".
  std::string name;
  std::vector<CurvePoint> points;

  bool operator==(const CurveSeries&) const = default;
};

// A panel with axes of its own. A panel without a finite point shows "no data".
struct CurvePanel {
  std::string title;
  // The text along the axis of the values; may be empty.
  std::string y_label;
  std::vector<CurveSeries> series;

  bool operator==(const CurvePanel&) const = default;
};

struct LearningCurveOptions {
  // The width of the whole picture in pixels: 200 to 8,192.
  int width = 900;
  // The height of each panel in pixels: 120 to 8,192.
  int panel_height = 300;
};

// Returns the encoded PNG. All panels have the same range of steps. Errors: InvalidArgument (no panel, more than 16, sizes out of
// range).
absl::StatusOr<std::string> DrawLearningCurve(absl::Span<const CurvePanel> panels, const LearningCurveOptions& options);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_LEARNING_CURVE_H_
