// A decoded image.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_IMAGE_H_
#define SEMBLANCE_EMBEDDER_IMAGE_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace semblance::embedder {

// Pixels in rows from the top, interleaved: pixels[(y * width + x) * channels + c], 8 bits each. Channels: 1 (grey) or 3 (red,
// green, blue). Thread-compatible.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<uint8_t> pixels;

  size_t size_bytes() const { return pixels.size(); }
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_IMAGE_H_
