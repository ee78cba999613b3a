#include "trainer/report/learning_curve.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "trainer/report/axis_ticks.h"

namespace semblance::trainer {
namespace {

constexpr size_t kMaxPanels = 16;
constexpr int kMinWidth = 200;
constexpr int kMinPanelHeight = 120;
constexpr int kMaxSide = 8192;
// Larger numbers are not values of a run, and would overflow when they are converted to pixels.
constexpr double kMaxMagnitude = 1e30;

// The margins around the plot area of a panel, in pixels.
constexpr int kLeft = 78;
constexpr int kRight = 24;
constexpr int kTop = 34;
constexpr int kBottom = 44;
constexpr int kTickLength = 5;
constexpr int kPixelsPerTickX = 90;
constexpr int kPixelsPerTickY = 32;

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kTitleScale = 0.55;
constexpr double kTextScale = 0.42;
// Positions of lines are in sixteenths of a pixel.
constexpr int kSubpixelBits = 4;

// Red, green, blue.
const cv::Scalar kBackground(255, 255, 255);
const cv::Scalar kInk(40, 40, 40);
const cv::Scalar kGrid(228, 228, 228);
// Most color-blind readers can distinguish these colors (Okabe and Ito 2008).
const cv::Scalar kColors[] = {{0, 114, 178}, {213, 94, 0},   {0, 158, 115}, {204, 121, 167},
                              {230, 159, 0}, {86, 180, 233}, {90, 90, 90}};

bool IsDrawn(const CurvePoint& point) {
  return std::isfinite(point.step) && std::abs(point.value) <= kMaxMagnitude && std::abs(point.step) <= kMaxMagnitude;
}

// cv::putText can draw ASCII only.
std::string Printable(absl::string_view text) {
  std::string printable(text);
  std::replace_if(
      printable.begin(), printable.end(), [](char c) { return !absl::ascii_isprint(c); }, '?');
  return printable;
}

cv::Size TextSize(const std::string& text, double scale) {
  int baseline = 0;
  return cv::getTextSize(text, kFont, scale, 1, &baseline);
}

void DrawText(cv::Mat& image, const std::string& text, cv::Point left_bottom, double scale, const cv::Scalar& color) {
  cv::putText(image, text, left_bottom, kFont, scale, color, 1, cv::LINE_AA);
}

// Draws text that is rotated, to be read from below, with its center at `center`.
void DrawTextUpwards(cv::Mat& image, const std::string& text, cv::Point center) {
  const cv::Size size = TextSize(text, kTextScale);
  cv::Mat label(size.height + 8, size.width + 4, image.type(), kBackground);
  DrawText(label, text, cv::Point(2, size.height + 2), kTextScale, kInk);
  cv::rotate(label, label, cv::ROTATE_90_COUNTERCLOCKWISE);
  const cv::Rect wanted(center.x - label.cols / 2, center.y - label.rows / 2, label.cols, label.rows);
  const cv::Rect place = wanted & cv::Rect(0, 0, image.cols, image.rows);
  label(cv::Rect(place.x - wanted.x, place.y - wanted.y, place.width, place.height)).copyTo(image(place));
}

// The range of one coordinate over the points of all series that can be drawn.
std::optional<AxisRange> RangeOf(const CurvePanel& panel, double CurvePoint::*coordinate) {
  std::optional<AxisRange> range;
  for (const CurveSeries& series : panel.series) {
    for (const CurvePoint& point : series.points) {
      if (IsDrawn(point)) {
        const double value = point.*coordinate;
        range = range.has_value() ? AxisRange{std::min(range->low, value), std::max(range->high, value)} : AxisRange{value, value};
      }
    }
  }
  return range;
}

// Adds a margin, so that no line runs along the frame.
AxisRange WithMargin(AxisRange range) {
  const double margin = 0.05 * (range.high - range.low);
  return {range.low - margin, range.high + margin};
}

// Draws one panel on its part of the picture.
class PanelDrawing {
 public:
  PanelDrawing(cv::Mat image, const CurvePanel& panel, std::optional<AxisRange> steps)
      : image_(std::move(image)),
        panel_(panel),
        plot_(kLeft, kTop, image_.cols - kLeft - kRight, image_.rows - kTop - kBottom),
        steps_(Widened(steps.value_or(AxisRange()))) {
    const std::optional<AxisRange> values = RangeOf(panel, &CurvePoint::value);
    has_data_ = values.has_value();
    values_ = WithMargin(Widened(values.value_or(AxisRange())));
  }

  void Draw() {
    DrawText(image_, Printable(panel_.title), cv::Point(kLeft, kTop - 12), kTitleScale, kInk);
    if (has_data_) {
      DrawStepAxis();
      DrawValueAxis();
    } else {
      DrawCentered("no data", cv::Point(plot_.x + plot_.width / 2, plot_.y + plot_.height / 2));
    }
    DrawTextUpwards(image_, Printable(panel_.y_label), cv::Point(14, plot_.y + plot_.height / 2));
    cv::rectangle(image_, plot_, kInk, 1);
    for (size_t i = 0; i < panel_.series.size(); ++i) {
      DrawSeries(panel_.series[i], ColorOf(i));
    }
    DrawLegend();
  }

 private:
  static const cv::Scalar& ColorOf(size_t series) { return kColors[series % std::size(kColors)]; }

  double XOf(double step) const { return plot_.x + (step - steps_.low) / (steps_.high - steps_.low) * (plot_.width - 1); }
  double YOf(double value) const {
    return plot_.y + plot_.height - 1 - (value - values_.low) / (values_.high - values_.low) * (plot_.height - 1);
  }

  void DrawCentered(const std::string& text, cv::Point center) {
    const cv::Size size = TextSize(text, kTextScale);
    DrawText(image_, text, cv::Point(center.x - size.width / 2, center.y + size.height / 2), kTextScale, kInk);
  }

  void DrawStepAxis() {
    const int bottom = plot_.y + plot_.height;
    for (const AxisTick& tick : TicksOf(steps_, std::max(1, plot_.width / kPixelsPerTickX))) {
      const int x = cvRound(XOf(tick.value));
      cv::line(image_, cv::Point(x, plot_.y), cv::Point(x, bottom - 1), kGrid);
      cv::line(image_, cv::Point(x, bottom), cv::Point(x, bottom + kTickLength), kInk);
      DrawCentered(tick.label, cv::Point(x, bottom + kTickLength + 9));
    }
    DrawCentered("step", cv::Point(plot_.x + plot_.width / 2, image_.rows - 11));
  }

  void DrawValueAxis() {
    for (const AxisTick& tick : TicksOf(values_, std::max(1, plot_.height / kPixelsPerTickY))) {
      const int y = cvRound(YOf(tick.value));
      cv::line(image_, cv::Point(plot_.x, y), cv::Point(plot_.x + plot_.width - 1, y), kGrid);
      cv::line(image_, cv::Point(plot_.x - kTickLength, y), cv::Point(plot_.x, y), kInk);
      const cv::Size size = TextSize(tick.label, kTextScale);
      DrawText(image_, tick.label, cv::Point(plot_.x - kTickLength - 4 - size.width, y + size.height / 2), kTextScale, kInk);
    }
  }

  cv::Point SubpixelOf(const CurvePoint& point) const {
    constexpr double kScale = 1 << kSubpixelBits;
    return {cvRound(XOf(point.step) * kScale), cvRound(YOf(point.value) * kScale)};
  }

  void DrawSeries(const CurveSeries& series, const cv::Scalar& color) {
    for (size_t i = 0; i < series.points.size(); ++i) {
      const CurvePoint& point = series.points[i];
      if (!IsDrawn(point)) {
        continue;
      }
      const bool after_gap = i == 0 || !IsDrawn(series.points[i - 1]);
      const bool before_gap = i + 1 == series.points.size() || !IsDrawn(series.points[i + 1]);
      if (!after_gap) {
        cv::line(image_, SubpixelOf(series.points[i - 1]), SubpixelOf(point), color, 2, cv::LINE_AA, kSubpixelBits);
      } else if (before_gap) {
        cv::circle(image_, SubpixelOf(point), 4 << kSubpixelBits, color, cv::FILLED, cv::LINE_AA, kSubpixelBits);
      }
    }
  }

  // The legend is one row above the plot area, from the right. It never covers the title.
  void DrawLegend() {
    constexpr int kSample = 16;
    constexpr int kGap = 4;
    int right = plot_.x + plot_.width;
    const int left = kLeft + TextSize(Printable(panel_.title), kTitleScale).width + 2 * kGap;
    const int y = kTop - 12;
    for (size_t i = panel_.series.size(); i-- > 0;) {
      const std::string name = Printable(panel_.series[i].name);
      const int width = TextSize(name, kTextScale).width;
      if (right - width - kSample - kGap < left) {
        return;
      }
      DrawText(image_, name, cv::Point(right - width, y), kTextScale, kInk);
      right -= width + kGap;
      cv::line(image_, cv::Point(right - kSample, y - 4), cv::Point(right, y - 4), ColorOf(i), 2, cv::LINE_AA);
      right -= kSample + 2 * kGap;
    }
  }

  cv::Mat image_;
  const CurvePanel& panel_;
  const cv::Rect plot_;
  const AxisRange steps_;
  AxisRange values_;
  bool has_data_ = false;
};

// Uses libpng and not OpenCV's codecs, which bring dozens of libraries into a program.
absl::StatusOr<std::string> EncodePng(const cv::Mat& rgb) {
  png_image header = {};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(rgb.cols);
  header.height = static_cast<png_uint_32>(rgb.rows);
  header.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string png(size, '\0');
  const auto row_bytes = static_cast<png_int_32>(rgb.step);
  if (png_image_write_to_memory(&header, png.data(), &size, /*convert_to_8_bit=*/0, rgb.data, row_bytes, nullptr) == 0) {
    return absl::InternalError(absl::StrCat("cannot encode the learning curve: ", header.message));
  }
  png.resize(size);
  return png;
}

absl::Status ValidateArguments(absl::Span<const CurvePanel> panels, const LearningCurveOptions& options) {
  if (panels.empty() || panels.size() > kMaxPanels) {
    return absl::InvalidArgumentError(absl::StrCat("a learning curve has 1 to ", kMaxPanels, " panels; got ", panels.size()));
  }
  if (options.width < kMinWidth || options.width > kMaxSide || options.panel_height < kMinPanelHeight ||
      options.panel_height > kMaxSide) {
    return absl::InvalidArgumentError(absl::StrCat("a learning curve of ", options.width, " pixels by ", options.panel_height,
                                                   " for a panel is not within ", kMinWidth, " by ", kMinPanelHeight, " and ",
                                                   kMaxSide, " by ", kMaxSide));
  }
  return absl::OkStatus();
}

std::optional<AxisRange> StepsOf(absl::Span<const CurvePanel> panels) {
  std::optional<AxisRange> steps;
  for (const CurvePanel& panel : panels) {
    const std::optional<AxisRange> own = RangeOf(panel, &CurvePoint::step);
    if (own.has_value()) {
      steps = steps.has_value() ? AxisRange{std::min(steps->low, own->low), std::max(steps->high, own->high)} : *own;
    }
  }
  return steps;
}

}  // namespace

absl::StatusOr<std::string> DrawLearningCurve(absl::Span<const CurvePanel> panels, const LearningCurveOptions& options) {
  if (absl::Status status = ValidateArguments(panels, options); !status.ok()) {
    return status;
  }
  try {
    cv::Mat image(options.panel_height * static_cast<int>(panels.size()), options.width, CV_8UC3, kBackground);
    const std::optional<AxisRange> steps = StepsOf(panels);
    for (size_t i = 0; i < panels.size(); ++i) {
      const cv::Rect place(0, static_cast<int>(i) * options.panel_height, options.width, options.panel_height);
      PanelDrawing(image(place), panels[i], steps).Draw();
    }
    return EncodePng(image);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("cannot draw the learning curve: ", error.what()));
  }
}

}  // namespace semblance::trainer
