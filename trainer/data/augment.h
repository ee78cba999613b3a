// Random changes to training images.
//
// Thread-safe: a function without state. The caller owns the generator.
#ifndef SEMBLANCE_TRAINER_DATA_AUGMENT_H_
#define SEMBLANCE_TRAINER_DATA_AUGMENT_H_

#include <cstdint>

#include "absl/types/span.h"
#include "embedder/image/image.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/data/random.h"

namespace semblance::trainer {

// A value of zero turns a change off.
struct Augmentation {
  // Mirrors left to right with probability one half.
  bool horizontal_flip = false;
  // Moves the crop by at most this many pixels in x and in y, each drawn uniformly. Beyond its border the image is reflected,
  // without repeating the border pixel.
  int max_shift_pixels = 0;
  // Above zero: shows a random rectangle of the image, stretched to the square, instead of the square around the center. Its share
  // of the area is uniform in [min_crop_area, max_crop_area]. The logarithm of its width : height is uniform, between those of 1 /
  // max_crop_aspect and max_crop_aspect. A rectangle that is too wide or too high is shrunk until it fits.
  double min_crop_area = 0;
  double max_crop_area = 1;
  double max_crop_aspect = 1;
  // Rotates by an angle that is uniform within this many degrees to either side, and then slants in the same way.
  double rotation_degrees = 0;
  double shear_degrees = 0;
  // Multiplies all values by a factor that is uniform in [1 - brightness, 1 + brightness]. Contrast multiplies the distances from
  // the mean gray of the crop by such a factor, and saturation the distances of each pixel from its own gray. Gray images have no
  // saturation.
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
};

// Writes the square of `side` pixels around the center of `resized`, changed at random, to `out` (rows from the top, interleaved).
// All geometric changes together are one resampling (see affine_warp.h). With flips and shifts only, pixels are copied unchanged.
// REQUIRES: both sides of the image are at least `side`; 0 <= max_shift_pixels < side; 0 <= min_crop_area <= max_crop_area <= 1;
// max_crop_aspect >= 1; shear_degrees below 90; brightness, contrast and saturation in [0, 1]; out.size() == side * side *
// channels.
void CropAugmented(const embedder::Image& resized, int side, const Augmentation& augmentation, Random* random,
                   absl::Span<uint8_t> out);

// The augmentation that the config asks for. REQUIRES: `config` is part of a validated config.
Augmentation AugmentationOf(const v1::AugmentationConfig& config);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_AUGMENT_H_
