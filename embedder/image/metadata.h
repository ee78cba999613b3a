// Finds the EXIF and XMP blocks of an image, without decoding it.
//
// Thread-safe: functions without state. The time is linear in the bytes; nothing is unpacked or copied.
#ifndef SEMBLANCE_EMBEDDER_IMAGE_METADATA_H_
#define SEMBLANCE_EMBEDDER_IMAGE_METADATA_H_

#include "absl/strings/string_view.h"
#include "embedder/image/decode.h"

namespace semblance::embedder {

// Views of the image's bytes. A block that is missing is empty.
struct ImageMetadata {
  // A TIFF structure, which begins with its byte order.
  absl::string_view exif = "";
  // XML.
  absl::string_view xmp = "";
};

// Returns the first EXIF and the first XMP block. JPEG has them in APP1 segments, PNG in the chunks eXIf and iTXt (a compressed
// iTXt is passed over), WebP in its chunks. A TIFF is its own EXIF block. BMP and GIF have none. Damaged files give what was found
// before the damage.
ImageMetadata FindMetadata(ImageFormat format, absl::string_view bytes);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_IMAGE_METADATA_H_
