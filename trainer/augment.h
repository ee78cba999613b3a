// Random changes to training images.
//
// Thread-safe: a function without state; the generator is the caller's.
#ifndef SEMBLANCE_TRAINER_AUGMENT_H_
#define SEMBLANCE_TRAINER_AUGMENT_H_

#include <cstdint>

#include "absl/types/span.h"
#include "embedder/image.h"
#include "trainer/random.h"

namespace semblance {

struct Augmentation {
  // Mirror left to right with probability one half.
  bool horizontal_flip = false;
  // Move the crop by up to so many pixels in x and in y, each uniform; beyond the border the image is reflected (without repeating
  // the border pixel).
  int max_shift_pixels = 0;
};

// Writes the square of `side` pixels around the centre of `resized`, changed at random, to `out` (rows from the top, interleaved).
// REQUIRES: both sides of the image are at least `side`; 0 <= max_shift_pixels < side; out.size() == side * side * channels.
void CropAugmented(const Image& resized, int side, const Augmentation& augmentation, Random* random, absl::Span<uint8_t> out);

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_AUGMENT_H_
