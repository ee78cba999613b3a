// trained_images.bin in a bundle lists the images that took part in training, so that a model is never evaluated with them.
//
// Thread-safe: functions without state.
//
// The file holds the keys of the images: 8 big-endian bytes each, ascending, without duplicates. The key of an image is the first 8
// bytes of the SHA-256 of its encoded bytes.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_TRAINED_IMAGES_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_TRAINED_IMAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::embedder {

inline constexpr char kTrainedImagesFile[] = "trained_images.bin";

// Returns the key of an image from the first 16 or more hex digits of its SHA-256; 0 for other text.
uint64_t ImageKeyOf(absl::string_view sha256_hex);

// Returns the content of the file. `keys` may have any order.
std::string TrainedImagesContent(std::vector<uint64_t> keys);

// Returns the keys in ascending order. They are empty for a bundle without the file, such as one of an older version. Errors:
// DataLoss/MANIFEST_INVALID; I/O errors.
absl::StatusOr<std::vector<uint64_t>> ReadTrainedImages(const std::string& bundle_dir);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_TRAINED_IMAGES_H_
