// EXIF orientation tells how a camera was held.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_
#define SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_

#include "embedder/image/image.h"
#include "embedder/image/metadata.h"

namespace semblance::embedder {

// Returns the orientation (1 to 8); 1, which is upright, when there is none or an invalid one. The tag of EXIF counts, and where it
// is missing the property tiff:Orientation of XMP.
int OrientationOf(const ImageMetadata& metadata);

// Turns an image upright. Orientations 2 to 4 mirror it or turn it by 180 degrees; 5 to 8 exchange width and height. REQUIRES: 1 <=
// orientation <= 8.
Image Upright(Image image, int orientation);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_ORIENTATION_H_
