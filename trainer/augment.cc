#include "trainer/augment.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <vector>

namespace semblance {
namespace {

// For every pixel of the crop, which pixel of an axis of `size` pixels it shows.
std::vector<size_t> Axis(int size, int side, int shift, bool mirrored) {
  std::vector<size_t> pixels;
  pixels.reserve(static_cast<size_t>(side));
  const int first = (size - side) / 2 + shift;
  for (int i = 0; i < side; ++i) {
    const int position = std::abs(first + i);                        // Reflects at the first pixel
    const int reflected = size - 1 - std::abs(size - 1 - position);  // and at the last.
    pixels.push_back(static_cast<size_t>(std::max(reflected, 0)));
  }
  if (mirrored) {
    std::reverse(pixels.begin(), pixels.end());
  }
  return pixels;
}

}  // namespace

void CropAugmented(const Image& resized, int side, const Augmentation& augmentation, Random* random, absl::Span<uint8_t> out) {
  const bool mirrored = augmentation.horizontal_flip && random->Coin();
  const int shift = augmentation.max_shift_pixels;
  const std::vector<size_t> columns = Axis(resized.width, side, random->Between(-shift, shift), mirrored);
  const std::vector<size_t> rows = Axis(resized.height, side, random->Between(-shift, shift), /*mirrored=*/false);
  const auto channels = static_cast<size_t>(resized.channels);
  uint8_t* target = out.data();
  for (const size_t row : rows) {
    const uint8_t* source = resized.pixels.data() + row * static_cast<size_t>(resized.width) * channels;
    for (const size_t column : columns) {
      target = std::copy_n(source + column * channels, channels, target);
    }
  }
}

}  // namespace semblance
