// EXIF orientation tells how a camera was held.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_
#define SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_

#include "absl/strings/string_view.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

// Returns the orientation (1 to 8) in the EXIF segment of a JPEG; 1, which is upright, when there is none or an invalid one.
int JpegOrientation(absl::string_view jpeg);

// Turns an image upright. Orientations 2 to 4 mirror it or turn it by 180 degrees; 5 to 8 exchange width and height. REQUIRES: 1 <=
// orientation <= 8.
Image Upright(Image image, int orientation);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_
