// Integer arithmetic on 8-bit pixel values. It is exact, so that equal bytes give equal pixels on every machine.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_PIXEL_MATH_H_
#define SEMBLANCE_EMBEDDER_IMAGE_PIXEL_MATH_H_

#include <cstdint>

namespace semblance::embedder {

// Returns value / 255, rounded to nearest. REQUIRES: 0 <= value <= 255 * 255.
inline uint8_t DivideBy255(int value) {
  return static_cast<uint8_t>((value + 127) / 255);
}

// Composites a value with opacity `alpha` over white.
inline uint8_t OverWhite(int value, int alpha) {
  return DivideBy255(value * alpha + 255 * (255 - alpha));
}

// Returns the luma of ITU-R BT.601, with the weights of JPEG (0.299, 0.587, 0.114) in 16-bit fixed point.
inline uint8_t Luma(int red, int green, int blue) {
  return static_cast<uint8_t>((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16);
}

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_PIXEL_MATH_H_
