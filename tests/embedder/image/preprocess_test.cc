#include "embedder/image/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Preprocessing;
using ::semblance::testing::EncodeJpeg;
using ::semblance::testing::EncodePng;
using ::semblance::testing::EncodeWebp;
using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::NoiseImage;
using ::semblance::testing::SmoothImage;
using ::semblance::testing::SolidImage;
using ::semblance::testing::StatusIs;

Preprocessing Config(Preprocessing::Resize resize, int resize_side, int crop_side, int channels = 3) {
  Preprocessing config;
  config.set_resize(resize);
  config.set_resize_side(resize_side);
  config.set_crop_side(crop_side);
  config.set_channels(channels);
  for (int c = 0; c < channels; ++c) {
    config.add_mean(0.5);
    config.add_std(0.25);
  }
  return config;
}

Image Preprocessed(const Preprocessing& config, const std::string& encoded) {
  absl::StatusOr<Preprocessor> preprocessor = Preprocessor::Create(config);
  EXPECT_OK(preprocessor);
  absl::StatusOr<Image> image = preprocessor->DecodeAndPreprocess(encoded, DecodeLimits());
  EXPECT_OK(image);
  return image.ok() ? *std::move(image) : Image();
}

struct Area {
  double left, top, right, bottom;
};

// Returns the mean of the source over the area of one target pixel, in doubles. This is the definition of shrinking by area.
double AreaMean(const Image& image, const Area& area, int channel) {
  const auto [left, top, right, bottom] = area;
  double sum = 0;
  for (int y = static_cast<int>(top); y < std::ceil(bottom) && y < image.height; ++y) {
    for (int x = static_cast<int>(left); x < std::ceil(right) && x < image.width; ++x) {
      const double width = std::min<double>(x + 1, right) - std::max<double>(x, left);
      const double height = std::min<double>(y + 1, bottom) - std::max<double>(y, top);
      sum += std::max(width, 0.0) * std::max(height, 0.0) *
             image.pixels[static_cast<size_t>((y * image.width + x) * image.channels + channel)];
    }
  }
  return sum / ((right - left) * (bottom - top));
}

// Shrinks to `resized_width` x `resized_height` by area, then crops from the center.
void ExpectShrunkAndCropped(const Image& source, int resized_width, int resized_height, const Image& found) {
  const int crop_x = (resized_width - found.width) / 2;
  const int crop_y = (resized_height - found.height) / 2;
  const double step_x = static_cast<double>(source.width) / resized_width;
  const double step_y = static_cast<double>(source.height) / resized_height;
  for (int y = 0; y < found.height; ++y) {
    for (int x = 0; x < found.width; ++x) {
      for (int c = 0; c < found.channels; ++c) {
        const Area area = {(crop_x + x) * step_x, (crop_y + y) * step_y, (crop_x + x + 1) * step_x, (crop_y + y + 1) * step_y};
        const double expected = AreaMean(source, area, c);
        ASSERT_NEAR(found.pixels[static_cast<size_t>((y * found.width + x) * found.channels + c)], expected, 1.01)
            << x << ", " << y;
      }
    }
  }
}

TEST(PreprocessTest, StretchShrinksByArea) {
  const Image source = NoiseImage(61, 40, 3);

  const Image found = Preprocessed(Config(Preprocessing::RESIZE_STRETCH, 16, 16), EncodePng(source));

  ExpectShrunkAndCropped(source, 16, 16, found);
}

TEST(PreprocessTest, ShortSideKeepsTheAspectRatioAndCropsTheCenter) {
  const Image wide = NoiseImage(90, 48, 3);
  const Image tall = NoiseImage(48, 90, 1);

  const Image from_wide = Preprocessed(Config(Preprocessing::RESIZE_SHORT_SIDE, 24, 20), EncodePng(wide));
  const Image from_tall = Preprocessed(Config(Preprocessing::RESIZE_SHORT_SIDE, 24, 20, 1), EncodePng(tall));

  ExpectShrunkAndCropped(wide, 45, 24, from_wide);
  ExpectShrunkAndCropped(tall, 24, 45, from_tall);
}

TEST(PreprocessTest, FitPadsWithBlackAroundTheCenter) {
  const Image white = SolidImage(60, 30, 3, 255);

  const Image found = Preprocessed(Config(Preprocessing::RESIZE_FIT, 20, 20), EncodePng(white));

  ASSERT_EQ(found.pixels.size(), 20u * 20u * 3u);
  for (int y = 0; y < 20; ++y) {
    const uint8_t expected = y >= 5 && y < 15 ? 255 : 0;
    for (int i = 0; i < 20 * 3; ++i) {
      ASSERT_EQ(found.pixels[static_cast<size_t>(y * 60 + i)], expected) << "row " << y;
    }
  }
}

TEST(PreprocessTest, SmallImagesAreEnlarged) {
  const Image found = Preprocessed(Config(Preprocessing::RESIZE_SHORT_SIDE, 32, 32), EncodePng(SolidImage(3, 2, 3, 77)));

  EXPECT_EQ(found.width, 32);
  EXPECT_EQ(found.height, 32);
  EXPECT_EQ(found.pixels, std::vector<uint8_t>(32 * 32 * 3, 77));
}

TEST(PreprocessTest, AnImageOfTheRightSizeIsNotTouched) {
  const Image source = NoiseImage(28, 28, 1);

  for (const auto resize : {Preprocessing::RESIZE_STRETCH, Preprocessing::RESIZE_SHORT_SIDE, Preprocessing::RESIZE_FIT}) {
    EXPECT_EQ(Preprocessed(Config(resize, 28, 28, 1), EncodePng(source)).pixels, source.pixels);
  }
}

TEST(PreprocessTest, EveryShapeGivesTheSameOutputShape) {
  for (const auto resize : {Preprocessing::RESIZE_STRETCH, Preprocessing::RESIZE_SHORT_SIDE, Preprocessing::RESIZE_FIT}) {
    for (const auto& [width, height] :
         std::vector<std::pair<int, int>>{{1, 1}, {1, 3000}, {3000, 1}, {7, 500}, {33, 31}, {16, 17}}) {
      for (const int crop_side : {16, 15, 1}) {
        const Image found = Preprocessed(Config(resize, 16, crop_side), EncodePng(SmoothImage(width, height, 3)));
        EXPECT_EQ(found.width, crop_side);
        EXPECT_EQ(found.height, crop_side);
        EXPECT_EQ(found.channels, 3);
        EXPECT_EQ(found.pixels.size(), static_cast<size_t>(crop_side * crop_side * 3));
      }
    }
  }
}

TEST(PreprocessTest, EqualBytesGiveEqualPixels) {
  const Image source = SmoothImage(300, 200, 3);
  for (const std::string& encoded : {EncodeJpeg(source), EncodePng(source), EncodeWebp(source, 80)}) {
    const Preprocessing config = Config(Preprocessing::RESIZE_SHORT_SIDE, 64, 56);
    EXPECT_EQ(Preprocessed(config, encoded).pixels, Preprocessed(config, encoded).pixels);
  }
}

TEST(PreprocessTest, ReducedDecodingOfALargeJpegChangesLittle) {
  const Image source = SmoothImage(640, 480, 3);
  const Preprocessing config = Config(Preprocessing::RESIZE_SHORT_SIDE, 64, 64);

  const Image reduced = Preprocessed(config, EncodeJpeg(source, 95));
  const Image exact = Preprocessed(config, EncodePng(source));

  for (size_t i = 0; i < exact.pixels.size(); ++i) {
    ASSERT_NEAR(reduced.pixels[i], exact.pixels[i], 5);
  }
}

TEST(PreprocessTest, TheCropOfTheResizedImageIsThePreprocessedOne) {
  ASSERT_OK_AND_ASSIGN(const Preprocessor preprocessor, Preprocessor::Create(Config(Preprocessing::RESIZE_SHORT_SIDE, 32, 27)));
  const std::string encoded = EncodePng(NoiseImage(100, 70, 3));

  ASSERT_OK_AND_ASSIGN(const Image resized, preprocessor.DecodeAndResize(encoded, DecodeLimits()));
  ASSERT_OK_AND_ASSIGN(const Image preprocessed, preprocessor.DecodeAndPreprocess(encoded, DecodeLimits()));

  EXPECT_EQ(resized.width, 46);
  EXPECT_EQ(resized.height, 32);
  EXPECT_EQ(preprocessor.CenterCrop(resized).pixels, preprocessed.pixels);
}

TEST(PreprocessTest, DecodingErrorsPassThrough) {
  ASSERT_OK_AND_ASSIGN(const Preprocessor preprocessor, Preprocessor::Create(Config(Preprocessing::RESIZE_FIT, 32, 32)));

  EXPECT_THAT(preprocessor.DecodeAndPreprocess("nonsense", DecodeLimits()), HasReason("UNSUPPORTED_MEDIA"));
}

struct BadConfig {
  const char* field;
  void (*change)(Preprocessing*);
};

class BadConfigTest : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, IsRefusedWithItsField) {
  Preprocessing config = Config(Preprocessing::RESIZE_FIT, 32, 32);
  ASSERT_OK(Preprocessor::Create(config));
  GetParam().change(&config);

  const absl::StatusOr<Preprocessor> preprocessor = Preprocessor::Create(config);

  EXPECT_THAT(preprocessor, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(preprocessor, HasField(std::string("preprocessing.") + GetParam().field));
}

INSTANTIATE_TEST_SUITE_P(
    Ranges, BadConfigTest,
    ::testing::Values(BadConfig{"resize", [](Preprocessing* c) { c->clear_resize(); }},
                      BadConfig{"resize", [](Preprocessing* c) { c->set_resize(static_cast<Preprocessing::Resize>(17)); }},
                      BadConfig{"resize_side", [](Preprocessing* c) { c->set_resize_side(7); }},
                      BadConfig{"resize_side", [](Preprocessing* c) { c->set_resize_side(1025); }},
                      BadConfig{"crop_side", [](Preprocessing* c) { c->set_crop_side(0); }},
                      BadConfig{"crop_side", [](Preprocessing* c) { c->set_crop_side(33); }},
                      BadConfig{"channels", [](Preprocessing* c) { c->set_channels(2); }},
                      BadConfig{"mean", [](Preprocessing* c) { c->add_mean(0); }},
                      BadConfig{"mean", [](Preprocessing* c) { c->set_mean(0, NAN); }},
                      BadConfig{"std", [](Preprocessing* c) { c->mutable_std()->RemoveLast(); }},
                      BadConfig{"std", [](Preprocessing* c) { c->set_std(1, 0); }},
                      BadConfig{"std", [](Preprocessing* c) { c->set_std(1, INFINITY); }}));

}  // namespace
}  // namespace semblance::embedder
