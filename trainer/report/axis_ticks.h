// Where the marks of an axis stand, and what is written at them.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_REPORT_AXIS_TICKS_H_
#define SEMBLANCE_TRAINER_REPORT_AXIS_TICKS_H_

#include <string>
#include <vector>

namespace semblance::trainer {

struct AxisRange {
  double low = 0;
  double high = 1;

  bool operator==(const AxisRange&) const = default;
};

struct AxisTick {
  double value = 0;
  std::string label;
};

// The range, made wide enough to draw: equal ends move apart. REQUIRES: both are finite, low <= high.
AxisRange Widened(AxisRange range);

// At most `most` + 1 ticks within the range, a step of 1, 2 or 5 times a power of ten apart, ascending. Labels have as many digits
// as tell neighbours apart, and k or M for thousands and millions. REQUIRES: a range from Widened, most >= 1.
std::vector<AxisTick> TicksOf(AxisRange range, int most);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_AXIS_TICKS_H_
