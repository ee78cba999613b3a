// The positions and labels of the marks on an axis.
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

// Widens a range so that it can be drawn: equal ends move apart. REQUIRES: both ends are finite, low <= high.
AxisRange Widened(AxisRange range);

// At most `most` + 1 ticks within the range, in ascending order. Their distance is 1, 2 or 5 times a power of ten. Labels have
// enough digits to distinguish neighbors, and k or M for thousands and millions. REQUIRES: a range from Widened, most >= 1.
std::vector<AxisTick> TicksOf(AxisRange range, int most);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_AXIS_TICKS_H_
