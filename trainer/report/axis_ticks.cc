#include "trainer/report/axis_ticks.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace semblance::trainer {
namespace {

// The smallest of 1, 2, 5 times a power of ten that is not below `step`.
double NiceStep(double step) {
  const double power = std::pow(10, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= step * (1 - 1e-9)) {
      return factor * power;
    }
  }
  return 10 * power;
}

std::string LabelOf(double value, double step, double largest) {
  if (largest >= 1e9 || largest < 1e-4) {
    return absl::StrFormat("%.3g", value);
  }
  double unit = 1;
  const char* suffix = "";
  if (largest >= 1e6) {
    unit = 1e6;
    suffix = "M";
  } else if (largest >= 1e4) {
    unit = 1e3;
    suffix = "k";
  }
  if (value == 0) {
    return "0";
  }
  const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(step / unit) - 1e-9)), 0, 6);
  return absl::StrCat(absl::StrFormat("%.*f", digits, value / unit), suffix);
}

}  // namespace

AxisRange Widened(AxisRange range) {
  // Neither labels nor pixels could distinguish ends that are nearer than this.
  const double least = std::max(1e-9, 1e-6 * std::max(std::abs(range.low), std::abs(range.high)));
  if (range.high - range.low >= least) {
    return range;
  }
  const double middle = range.low / 2 + range.high / 2;
  const double margin = middle == 0 ? 1 : 0.1 * std::abs(middle);
  return {middle - margin, middle + margin};
}

std::vector<AxisTick> TicksOf(AxisRange range, int most) {
  const double step = NiceStep((range.high - range.low) / most);
  const double largest = std::max(std::abs(range.low), std::abs(range.high));
  std::vector<AxisTick> ticks;
  const double first = std::ceil(range.low / step - 1e-9);
  const int count = static_cast<int>(std::floor(range.high / step + 1e-9) - first) + 1;
  for (int i = 0; i < count; ++i) {
    const double value = (first + i) * step + 0.0;  // Adding 0.0 turns a negative zero into zero.
    ticks.push_back({value, LabelOf(value, step, largest)});
  }
  return ticks;
}

}  // namespace semblance::trainer
