#include "trainer/data/augment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <vector>

#include "trainer/data/affine_warp.h"

namespace semblance::trainer {
namespace {

// For every pixel of the crop, the pixel that it shows on an axis of `size` pixels.
std::vector<size_t> Axis(int size, int side, int shift, bool mirrored) {
  std::vector<size_t> pixels;
  pixels.reserve(static_cast<size_t>(side));
  const int first = (size - side) / 2 + shift;
  for (int i = 0; i < side; ++i) {
    const int position = std::abs(first + i);                        // Reflects at the first pixel,
    const int reflected = size - 1 - std::abs(size - 1 - position);  // and at the last.
    pixels.push_back(static_cast<size_t>(std::max(reflected, 0)));
  }
  if (mirrored) {
    std::reverse(pixels.begin(), pixels.end());
  }
  return pixels;
}

// The random draws of flips and shifts, which every augmentation makes.
struct FlipAndShift {
  bool mirrored = false;
  int x = 0;
  int y = 0;
};

FlipAndShift DrawFlipAndShift(const Augmentation& augmentation, Random* random) {
  FlipAndShift draw;
  const int shift = augmentation.max_shift_pixels;
  draw.mirrored = augmentation.horizontal_flip && random->Coin();
  draw.x = random->Between(-shift, shift);
  draw.y = random->Between(-shift, shift);
  return draw;
}

void CopyCrop(const embedder::Image& resized, int side, const FlipAndShift& draw, uint8_t* target) {
  const std::vector<size_t> columns = Axis(resized.width, side, draw.x, draw.mirrored);
  const std::vector<size_t> rows = Axis(resized.height, side, draw.y, /*mirrored=*/false);
  const auto channels = static_cast<size_t>(resized.channels);
  for (const size_t row : rows) {
    const uint8_t* source = resized.pixels.data() + row * static_cast<size_t>(resized.width) * channels;
    for (const size_t column : columns) {
      target = std::copy_n(source + column * channels, channels, target);
    }
  }
}

// The rectangle that the crop shows before it is rotated, given by its center, in pixels of the image.
struct Rectangle {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

Rectangle CenterSquare(const embedder::Image& resized, int side) {
  // As in CopyCrop, an odd remaining pixel is on the right and at the bottom.
  const int left = (resized.width - side) / 2;
  const int top = (resized.height - side) / 2;
  const double middle = (side - 1) / 2.0;
  return Rectangle{left + middle, top + middle, 1.0 * side, 1.0 * side};
}

Rectangle DrawRectangle(const embedder::Image& resized, const Augmentation& augmentation, Random* random) {
  const double share = random->Uniform(augmentation.min_crop_area, augmentation.max_crop_area);
  const double log_aspect = std::log(augmentation.max_crop_aspect);
  const double aspect = std::exp(random->Uniform(-log_aspect, log_aspect));
  const double area = share * resized.width * resized.height;
  Rectangle rectangle;
  rectangle.width = std::sqrt(area * aspect);
  rectangle.height = std::sqrt(area / aspect);
  const double fit = std::min({1.0, resized.width / rectangle.width, resized.height / rectangle.height});
  rectangle.width *= fit;
  rectangle.height *= fit;
  // The left edge of the first pixel is at -0.5.
  rectangle.x = random->Uniform(0, resized.width - rectangle.width) + rectangle.width / 2 - 0.5;
  rectangle.y = random->Uniform(0, resized.height - rectangle.height) + rectangle.height / 2 - 0.5;
  return rectangle;
}

double DrawRadians(double max_degrees, Random* random) {
  return max_degrees > 0 ? random->Uniform(-max_degrees, max_degrees) * M_PI / 180 : 0;
}

// Maps the crop to the image: mirrors, stretches to the rectangle, slants, rotates, and moves the center.
AffineMap DrawMap(const embedder::Image& resized, int side, const Augmentation& augmentation, const FlipAndShift& draw,
                  Random* random) {
  const Rectangle rectangle =
      augmentation.min_crop_area > 0 ? DrawRectangle(resized, augmentation, random) : CenterSquare(resized, side);
  const double angle = DrawRadians(augmentation.rotation_degrees, random);
  const double slant = std::tan(DrawRadians(augmentation.shear_degrees, random));
  const double across = rectangle.width / side * (draw.mirrored ? -1 : 1);
  const double down = rectangle.height / side;
  AffineMap map;
  map.xx = std::cos(angle) * across;
  map.yx = std::sin(angle) * across;
  map.xy = (std::cos(angle) * slant - std::sin(angle)) * down;
  map.yy = (std::sin(angle) * slant + std::cos(angle)) * down;
  const double middle = (side - 1) / 2.0;
  map.x0 = rectangle.x + draw.x - (map.xx + map.xy) * middle;
  map.y0 = rectangle.y + draw.y - (map.yx + map.yy) * middle;
  return map;
}

double DrawFactor(double spread, Random* random) {
  return spread > 0 ? random->Uniform(1 - spread, 1 + spread) : 1;
}

// Gray as in ITU-R BT.601, with 16 fractional bits.
constexpr int kRed = 19595;
constexpr int kGreen = 38470;
constexpr int kBlue = 7471;
constexpr int kPoint = 16;

int GrayOf(const uint8_t* pixel, int channels) {
  return channels == 1 ? pixel[0] << kPoint : kRed * pixel[0] + kGreen * pixel[1] + kBlue * pixel[2];
}

uint8_t ToByte(int fixed) {
  return static_cast<uint8_t>(std::clamp(fixed >> kPoint, 0, 255));
}

// Brightness, contrast and saturation together are one linear map of a pixel and its gray: own * value + grey * its gray + offset.
void ChangeColors(const Augmentation& augmentation, int channels, Random* random, absl::Span<uint8_t> pixels) {
  int64_t sum = 0;
  const auto step = static_cast<size_t>(channels);
  for (size_t i = 0; i < pixels.size(); i += step) {
    sum += GrayOf(&pixels[i], channels);
  }
  const double mean = std::ldexp(static_cast<double>(sum), -kPoint) / (static_cast<double>(pixels.size()) / channels);
  const double brightness = DrawFactor(augmentation.brightness, random);
  const double contrast = DrawFactor(augmentation.contrast, random);
  const double saturation = channels == 1 ? 1 : DrawFactor(augmentation.saturation, random);
  const auto fixed = [](double value) { return static_cast<int>(std::lround(std::ldexp(value, kPoint))); };
  const int own = fixed(brightness * contrast * saturation);
  const int gray = fixed(brightness * contrast * (1 - saturation));
  const int offset = fixed(brightness * (1 - contrast) * mean + 0.5);
  for (size_t i = 0; i < pixels.size(); i += step) {
    const int shared = offset + gray * (GrayOf(&pixels[i], channels) >> kPoint);
    for (size_t c = 0; c < step; ++c) {
      pixels[i + c] = ToByte(own * pixels[i + c] + shared);
    }
  }
}

bool ChangesGeometry(const Augmentation& augmentation) {
  return augmentation.min_crop_area > 0 || augmentation.rotation_degrees > 0 || augmentation.shear_degrees > 0;
}

bool ChangesColors(const Augmentation& augmentation) {
  return augmentation.brightness > 0 || augmentation.contrast > 0 || augmentation.saturation > 0;
}

}  // namespace

void CropAugmented(const embedder::Image& resized, int side, const Augmentation& augmentation, Random* random,
                   absl::Span<uint8_t> out) {
  const FlipAndShift draw = DrawFlipAndShift(augmentation, random);
  if (ChangesGeometry(augmentation)) {
    WarpAffine(resized, DrawMap(resized, side, augmentation, draw, random), side, out);
  } else {
    CopyCrop(resized, side, draw, out.data());
  }
  if (ChangesColors(augmentation)) {
    ChangeColors(augmentation, resized.channels, random, out);
  }
}

Augmentation AugmentationOf(const v1::AugmentationConfig& config) {
  Augmentation augmentation;
  augmentation.horizontal_flip = config.horizontal_flip();
  augmentation.max_shift_pixels = config.max_shift_pixels();
  if (config.min_crop_area() > 0) {
    augmentation.min_crop_area = config.min_crop_area();
    augmentation.max_crop_area = config.max_crop_area();
    augmentation.max_crop_aspect = config.max_crop_aspect();
  }
  augmentation.rotation_degrees = config.rotation_degrees();
  augmentation.shear_degrees = config.shear_degrees();
  augmentation.brightness = config.brightness();
  augmentation.contrast = config.contrast();
  augmentation.saturation = config.saturation();
  return augmentation;
}

}  // namespace semblance::trainer
