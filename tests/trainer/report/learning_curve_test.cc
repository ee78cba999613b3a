#include "trainer/report/learning_curve.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "embedder/image/decode.h"
#include "tests/testing/status_matchers.h"

namespace semblance::trainer {
namespace {

using testing::StatusIs;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

CurveSeries Series(const std::vector<double>& values) {
  CurveSeries series;
  series.name = "series";
  for (size_t i = 0; i < values.size(); ++i) {
    series.points.push_back({static_cast<double>(i), values[i]});
  }
  return series;
}

CurvePanel Panel(std::vector<CurveSeries> series) {
  return {"title", "values", std::move(series)};
}

embedder::Image Drawn(const std::vector<CurvePanel>& panels, const LearningCurveOptions& options = LearningCurveOptions()) {
  const absl::StatusOr<std::string> png = DrawLearningCurve(panels, options);
  EXPECT_OK(png);
  const absl::StatusOr<embedder::Image> image = embedder::DecodeImage(png.value_or(""), embedder::DecodeLimits(), 3, 0);
  EXPECT_OK(image);
  return image.value_or(embedder::Image());
}

bool IsColored(const embedder::Image& image, int x, int y) {
  const uint8_t* const pixel = &image.pixels[static_cast<size_t>((y * image.width + x) * 3)];
  return *std::max_element(pixel, pixel + 3) - *std::min_element(pixel, pixel + 3) > 60;
}

// Counts the pixels of lines and dots in a part of the picture. Frame, grid and text are gray.
int ColoredPixels(const embedder::Image& image, int left, int top, int right, int bottom) {
  int count = 0;
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      count += IsColored(image, x, y) ? 1 : 0;
    }
  }
  return count;
}

// The part of a picture of one panel that is inside the frame and below the legend.
int CurvePixels(const embedder::Image& image) {
  return ColoredPixels(image, 0, 40, image.width, image.height);
}

int DarkPixels(const embedder::Image& image, int left, int top, int right, int bottom) {
  int count = 0;
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      count += image.pixels[static_cast<size_t>((y * image.width + x) * 3)] < 120 && !IsColored(image, x, y) ? 1 : 0;
    }
  }
  return count;
}

TEST(LearningCurveTest, HasTheSizeThatWasAskedFor) {
  const CurvePanel panel = Panel({Series({1, 2})});

  const embedder::Image one = Drawn({panel});
  const embedder::Image large = Drawn({panel}, {900, 500});
  const embedder::Image three = Drawn({panel, panel, panel}, {640, 200});

  EXPECT_EQ(one.width, 900);
  EXPECT_EQ(one.height, 300);
  EXPECT_EQ(large.height, 500);
  EXPECT_EQ(three.width, 640);
  EXPECT_EQ(three.height, 600);
}

TEST(LearningCurveTest, DrawsTheLineWhereItsValuesAre) {
  const embedder::Image rising = Drawn({Panel({Series({0, 1, 2, 3})})});
  const embedder::Image falling = Drawn({Panel({Series({3, 2, 1, 0})})});

  // The lower left quarter of the plot, and the upper left one.
  EXPECT_GT(ColoredPixels(rising, 80, 145, 480, 256), 100);
  EXPECT_EQ(ColoredPixels(rising, 80, 40, 470, 140), 0);
  EXPECT_GT(ColoredPixels(falling, 80, 40, 480, 145), 100);
  EXPECT_EQ(ColoredPixels(falling, 80, 150, 470, 256), 0);
}

TEST(LearningCurveTest, HasTicksLabelsTitleAndLegend) {
  const embedder::Image image = Drawn({Panel({Series({0, 1}), Series({1, 0})})});

  EXPECT_GT(DarkPixels(image, 78, 5, 200, 30), 30) << "title";
  EXPECT_GT(DarkPixels(image, 25, 34, 72, 256), 30) << "values";
  EXPECT_GT(DarkPixels(image, 0, 34, 25, 256), 30) << "label of the values";
  EXPECT_GT(DarkPixels(image, 78, 262, 876, 280), 30) << "steps";
  EXPECT_GT(ColoredPixels(image, 600, 5, 900, 30), 60) << "legend";
}

TEST(LearningCurveTest, DrawsEveryPanel) {
  const embedder::Image image = Drawn({Panel({Series({0, 1})}), Panel({}), Panel({Series({5, 4})})});

  EXPECT_GT(ColoredPixels(image, 0, 40, 900, 300), 100);
  EXPECT_EQ(ColoredPixels(image, 0, 300, 900, 600), 0);
  EXPECT_GT(ColoredPixels(image, 0, 640, 900, 900), 100);
}

TEST(LearningCurveTest, SaysSoWhereThereIsNoData) {
  for (const CurvePanel& panel : {Panel({}), Panel({Series({})}), Panel({Series({kNan, kInfinity})})}) {
    const embedder::Image image = Drawn({panel});

    EXPECT_EQ(CurvePixels(image), 0);
    EXPECT_GT(DarkPixels(image, 400, 130, 560, 160), 30);
  }
}

TEST(LearningCurveTest, DrawsOnePointAsADot) {
  const int pixels = CurvePixels(Drawn({Panel({Series({0.5})})}));

  EXPECT_GT(pixels, 20);
  EXPECT_LT(pixels, 120);
}

TEST(LearningCurveTest, DrawsAConstantAcross) {
  for (const double value : {0.0, 0.25, -7.0, 1e-12, 1e25}) {
    EXPECT_GT(CurvePixels(Drawn({Panel({Series({value, value, value})})})), 700) << value;
  }
}

TEST(LearningCurveTest, LeavesAGapWhereAValueIsNotFinite) {
  const embedder::Image image = Drawn({Panel({Series({1, 1, 1, kNan, 1, 1, -kInfinity, 1, kNan, 1, 1})})});

  // Steps 0 to 10 span 798 pixels, so the gap between 2 and 4 is 160 pixels wide.
  EXPECT_GT(ColoredPixels(image, 80, 40, 235, 256), 100);
  EXPECT_EQ(ColoredPixels(image, 245, 40, 390, 256), 0);
  EXPECT_GT(ColoredPixels(image, 395, 40, 480, 256), 50);
  EXPECT_GT(ColoredPixels(image, 630, 40, 645, 256), 20) << "the dot at 7";
}

TEST(LearningCurveTest, TakesLongNamesAndAnyBytes) {
  CurvePanel panel = Panel({Series({0, 1}), Series({1, 2})});
  panel.title = std::string(300, 'x');
  panel.y_label = std::string(300, 'y');
  panel.series[0].name = "\xff\n\t" + std::string(300, 'z');

  EXPECT_GT(CurvePixels(Drawn({panel}, {200, 120})), 20);
}

TEST(LearningCurveTest, GivesTheSameBytesAgain) {
  const std::vector<CurvePanel> panels = {Panel({Series({0, 3, 1})})};

  ASSERT_OK_AND_ASSIGN(const std::string first, DrawLearningCurve(panels, LearningCurveOptions()));
  ASSERT_OK_AND_ASSIGN(const std::string second, DrawLearningCurve(panels, LearningCurveOptions()));

  EXPECT_EQ(first, second);
}

TEST(LearningCurveTest, RefusesWhatItCannotDraw) {
  const std::vector<CurvePanel> panels(17);

  EXPECT_THAT(DrawLearningCurve({}, LearningCurveOptions()), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DrawLearningCurve(panels, LearningCurveOptions()), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DrawLearningCurve({CurvePanel()}, {199, 300}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DrawLearningCurve({CurvePanel()}, {900, 10000}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace semblance::trainer
