// A decoded image.
//
// Thread-compatible: a plain struct.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_IMAGE_H_
#define SEMBLANCE_EMBEDDER_IMAGE_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace semblance::embedder {

// Pixels in rows from the top, with 8 bits per channel: pixels[(y * width + x) * channels + c]. There are 1 channel (gray) or 3
// (red, green, blue).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<uint8_t> pixels;

  size_t size_bytes() const { return pixels.size(); }
};

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_IMAGE_H_
