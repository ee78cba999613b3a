// Images made in code, and their encoded forms, for tests.
//
// Thread-safe: functions without state; equal arguments give equal bytes.
#ifndef SEMBLANCE_TESTS_TESTING_TEST_IMAGES_H_
#define SEMBLANCE_TESTS_TESTING_TEST_IMAGES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "embedder/image/image.h"

namespace semblance::testing {

// A smooth picture (two waves and a ramp) that depends on the seed. Lossy encoding changes it only a little. It has 1 to 4
// channels. The last of 2 or 4 channels is alpha, which only EncodePng and EncodeWebp accept.
embedder::Image SmoothImage(int width, int height, int channels, uint32_t seed = 1);

// Independent random bytes.
embedder::Image NoiseImage(int width, int height, int channels, uint32_t seed = 1);

// An image of one color.
embedder::Image SolidImage(int width, int height, int channels, uint8_t value);

// quality: from 1 to 100.
std::string EncodeJpeg(const embedder::Image& image, int quality = 90);
// Encodes several scans instead of one.
std::string EncodeProgressiveJpeg(const embedder::Image& image, int quality = 90);
std::string EncodePng(const embedder::Image& image);
// Encodes 16 bits a channel. Each value v becomes 257 v.
std::string EncodePng16(const embedder::Image& image);
// quality: from 1 to 100; any greater number means lossless.
std::string EncodeWebp(const embedder::Image& image, int quality = 101);
std::string EncodeBmp(const embedder::Image& image);
// Compressed with LZW.
std::string EncodeTiff(const embedder::Image& image);
// REQUIRES: 1 channel.
std::string EncodeGif(const embedder::Image& image);

// Returns the JPEG with an EXIF segment of that orientation, in either byte order. Orientations other than 1 to 8 are invalid.
std::string WithExifOrientation(absl::string_view jpeg, int orientation, bool big_endian = false);

// A chunk of a PNG with its checksum. REQUIRES: `type` has 4 letters.
std::string PngChunk(absl::string_view type, absl::string_view payload);
// The PNG with chunks before its pixels.
std::string WithPngChunks(absl::string_view png, absl::string_view chunks);

// Files that claim a size and end soon after their header.
std::string JpegOfClaimedSize(int width, int height);
std::string PngOfClaimedSize(int width, int height);
std::string WebpOfClaimedSize(int width, int height);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_TEST_IMAGES_H_
