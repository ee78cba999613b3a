// trained_images.bin in a bundle: which images took part in training, so that a model is never judged by what it has seen.
//
// Thread-safe: functions without state.
//
// The file is the keys of the images, 8 bytes each, the most significant first, ascending and without doubles. The key of an image
// is the first 8 bytes of the SHA-256 of its encoded bytes.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_TRAINED_IMAGES_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_TRAINED_IMAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::embedder {

inline constexpr char kTrainedImagesFile[] = "trained_images.bin";

// Of the image whose SHA-256, as hex digits, begins with these 16 or more; 0 where they are none.
uint64_t ImageKeyOf(absl::string_view sha256_hex);

// The file's content; `keys` in any order.
std::string TrainedImagesContent(std::vector<uint64_t> keys);

// Ascending; empty for a bundle without the file, such as one of an older version. Errors: DataLoss/MANIFEST_INVALID; I/O errors.
absl::StatusOr<std::vector<uint64_t>> ReadTrainedImages(const std::string& bundle_dir);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_TRAINED_IMAGES_H_
