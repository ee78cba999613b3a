// Random changes to training images.
//
// Thread-safe: a function without state; the generator is the caller's.
#ifndef SEMBLANCE_TRAINER_DATA_AUGMENT_H_
#define SEMBLANCE_TRAINER_DATA_AUGMENT_H_

#include <cstdint>

#include "absl/types/span.h"
#include "embedder/image/image.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/data/random.h"

namespace semblance::trainer {

// Zero is off, for each.
struct Augmentation {
  // Mirror left to right with probability one half.
  bool horizontal_flip = false;
  // Move the crop by up to so many pixels in x and in y, each uniform; beyond the border the image is reflected (without repeating
  // the border pixel).
  int max_shift_pixels = 0;
  // Above zero: show a random rectangle of the image, stretched to the square, in place of the square around the centre. Its share
  // of the area is uniform in [min_crop_area, max_crop_area], and its width : height in [1 / max_crop_aspect, max_crop_aspect],
  // where the logarithm is uniform; a rectangle that is too wide or too high is shrunk until it fits.
  double min_crop_area = 0;
  double max_crop_area = 1;
  double max_crop_aspect = 1;
  // Rotate by an angle uniform within this many degrees to either side; then slant, likewise.
  double rotation_degrees = 0;
  double shear_degrees = 0;
  // Multiply by a factor uniform in [1 - brightness, 1 + brightness]; move away from or towards the mean grey of the crop, and each
  // pixel from or to its own grey, by such factors. Grey images have no saturation.
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
};

// Writes the square of `side` pixels around the centre of `resized`, changed at random, to `out` (rows from the top, interleaved).
// All of the geometry is one resampling (see affine_warp.h); with flips and shifts alone pixels are copied as they are.
// REQUIRES: both sides of the image are at least `side`; 0 <= max_shift_pixels < side; 0 <= min_crop_area <= max_crop_area <= 1;
// max_crop_aspect >= 1; shear_degrees below 90; brightness, contrast and saturation in [0, 1]; out.size() == side * side *
// channels.
void CropAugmented(const embedder::Image& resized, int side, const Augmentation& augmentation, Random* random,
                   absl::Span<uint8_t> out);

// What the config asks for. REQUIRES: part of a validated config.
Augmentation AugmentationOf(const v1::AugmentationConfig& config);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_AUGMENT_H_
