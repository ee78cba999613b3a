#include "trainer/data/affine_warp.h"

#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "trainer/data/random.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

embedder::Image RandomImage(int width, int height, int channels) {
  embedder::Image image;
  image.width = width;
  image.height = height;
  image.channels = channels;
  Random random(1, 2, 3);
  for (int i = 0; i < width * height * channels; ++i) {
    image.pixels.push_back(static_cast<uint8_t>(random.Below(256)));
  }
  return image;
}

embedder::Image Gray(int width, std::vector<uint8_t> pixels) {
  embedder::Image image;
  image.width = width;
  image.height = static_cast<int>(pixels.size()) / width;
  image.channels = 1;
  image.pixels = std::move(pixels);
  return image;
}

std::vector<uint8_t> Warped(const embedder::Image& source, const AffineMap& map, int side) {
  std::vector<uint8_t> out(static_cast<size_t>(side * side * source.channels));
  WarpAffine(source, map, side, absl::MakeSpan(out));
  return out;
}

// Returns the pixel that is reached by walking this far from pixel 0 and turning at both ends.
int Reflected(int position, int size) {
  int result = 0;
  int direction = 1;
  for (int i = 0; size > 1 && i < std::abs(position); ++i) {
    result += direction;
    direction = result == 0 || result == size - 1 ? -direction : direction;
  }
  return result;
}

// Interpolates bilinearly in doubles, as the slow truth.
double ValueAt(const embedder::Image& source, double x, double y, int channel) {
  double value = 0;
  for (const int dy : {0, 1}) {
    for (const int dx : {0, 1}) {
      const int column = static_cast<int>(std::floor(x)) + dx;
      const int row = static_cast<int>(std::floor(y)) + dy;
      const double weight = (1 - std::abs(x - column)) * (1 - std::abs(y - row));
      const int pixel = Reflected(row, source.height) * source.width + Reflected(column, source.width);
      value += weight * source.pixels[static_cast<size_t>(pixel * source.channels + channel)];
    }
  }
  return value;
}

TEST(AffineWarpTest, CopiesPixelsWhereTheMapIsTheIdentity) {
  for (const int channels : {1, 3}) {
    const embedder::Image image = RandomImage(7, 7, channels);

    EXPECT_THAT(Warped(image, AffineMap(), 7), ElementsAreArray(image.pixels));
  }
}

TEST(AffineWarpTest, InterpolatesBetweenPixels) {
  AffineMap half;
  half.x0 = 0.5;

  EXPECT_THAT(Warped(Gray(3, {0, 100, 200, 40, 80, 0, 0, 0, 0}), half, 2), ElementsAre(50, 150, 60, 40));
}

TEST(AffineWarpTest, ReflectsBeyondTheBorderManyTimesOver) {
  AffineMap far;
  far.x0 = -5;

  EXPECT_THAT(Warped(Gray(3, {1, 2, 3, 1, 2, 3, 1, 2, 3}), far, 3), ElementsAre(2, 1, 2, 2, 1, 2, 2, 1, 2));
  far.x0 = 40;
  EXPECT_THAT(Warped(Gray(1, {9}), far, 1), ElementsAre(9));
}

TEST(AffineWarpTest, AgreesWithInterpolationInDoubles) {
  Random random(4, 4, 4);
  for (const int channels : {1, 3}) {
    const embedder::Image image = RandomImage(11, 9, channels);
    for (int round = 0; round < 100; ++round) {
      const AffineMap map = {random.Uniform(-20, 20), random.Uniform(-0.9, 0.9), random.Uniform(-0.9, 0.9),
                             random.Uniform(-20, 20), random.Uniform(-0.9, 0.9), random.Uniform(-0.9, 0.9)};
      const std::vector<uint8_t> out = Warped(image, map, 6);
      for (int i = 0; i < 36 * channels; ++i) {
        const int x = i / channels % 6;
        const int y = i / channels / 6;
        const double expected = ValueAt(image, map.x0 + map.xx * x + map.xy * y, map.y0 + map.yx * x + map.yy * y, i % channels);
        ASSERT_NEAR(out[static_cast<size_t>(i)], expected,
                    2.5);  // Weights have 8 bits, so each direction adds an error of at most 255 / 256.
      }
    }
  }
}

TEST(AffineWarpTest, PassesNothingOverWhereItShrinks) {
  // The lines are one pixel wide. Sampling only every other place would see either all of them or none.
  std::vector<uint8_t> lines;
  for (int i = 0; i < 32 * 32; ++i) {
    lines.push_back(i % 2 == 0 ? 0 : 200);
  }
  AffineMap quarter;
  quarter.x0 = quarter.y0 = 1.5;
  quarter.xx = quarter.yy = 4;

  EXPECT_THAT(Warped(Gray(32, lines), quarter, 8), ::testing::Each(::testing::AllOf(::testing::Ge(90), ::testing::Le(110))));
}

}  // namespace
}  // namespace semblance::trainer
