// Checks that the tests of all three codecs share.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TESTS_EMBEDDER_IMAGE_CODEC_CHECKS_H_
#define SEMBLANCE_TESTS_EMBEDDER_IMAGE_CODEC_CHECKS_H_

#include <algorithm>
#include <cstdlib>
#include <string>

#include "embedder/image/image.h"
#include "tests/testing/status_matchers.h"

namespace semblance::embedder {

inline auto IsDecodeFailure() {
  return ::testing::AllOf(testing::StatusIs(absl::StatusCode::kInvalidArgument), testing::HasReason("IMAGE_DECODE_FAILED"),
                          testing::HasField("image"));
}

// Returns the largest difference of two pixel values; 256 for images of different shapes.
inline int LargestDifference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.channels != b.channels || a.pixels.size() != b.pixels.size()) {
    return 256;
  }
  int largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  }
  return largest;
}

}  // namespace semblance::embedder

#endif  // SEMBLANCE_TESTS_EMBEDDER_IMAGE_CODEC_CHECKS_H_
