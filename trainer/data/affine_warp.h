// Resamples an image through an affine map.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_DATA_AFFINE_WARP_H_
#define SEMBLANCE_TRAINER_DATA_AFFINE_WARP_H_

#include <cstdint>

#include "absl/types/span.h"
#include "embedder/image/image.h"

namespace semblance::trainer {

// The pixel (x, y) of the result shows the place (x0 + xx * x + xy * y, y0 + yx * x + yy * y) of the source. Coordinates refer to
// the centers of pixels: (0, 0) is the middle of the first one.
struct AffineMap {
  double x0 = 0;
  double xx = 1;
  double xy = 0;
  double y0 = 0;
  double yx = 0;
  double yy = 1;
};

// Writes side x side pixels to `out` (rows from the top, interleaved). Values between the pixels of the source are interpolated
// bilinearly. Beyond its border the source is reflected, without repeating the border pixel. Where a step of the result is longer
// than 1.5 pixels of the source, a pixel is the mean of several places, so that no pixel of the source is skipped. All arithmetic
// after the first position uses integers, so results are the same on every machine. REQUIRES: 1 or 3 channels; out.size() == side *
// side * channels; places within 2^30 pixels of the source.
void WarpAffine(const embedder::Image& source, const AffineMap& map, int side, absl::Span<uint8_t> out);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_AFFINE_WARP_H_
