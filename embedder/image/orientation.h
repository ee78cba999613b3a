// EXIF orientation: how a camera was held.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_
#define SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_

#include "absl/strings/string_view.h"
#include "embedder/image/image.h"

namespace semblance::embedder {

// The orientation (1 to 8) in the EXIF segment of a JPEG; 1, upright, where there is none or where it makes no sense.
int JpegOrientation(absl::string_view jpeg);

// The image turned upright: 2 to 4 mirror or turn it by 180 degrees, 5 to 8 exchange width and height. REQUIRES: 1 to 8.
Image Upright(Image image, int orientation);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_
