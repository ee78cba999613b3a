// Measures the training loops, each in a program of its own, and the loader without a loop.
//
// Not thread-safe: it starts programs one at a time. Each function returns when the measured program has ended.
#ifndef SEMBLANCE_BENCH_TRAINING_CONTESTANTS_H_
#define SEMBLANCE_BENCH_TRAINING_CONTESTANTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace semblance::bench {

// The training task, which is the same for every contestant.
struct TrainingCase {
  // "small_convnet" or "resnet18".
  std::string network;
  // The side of the input, in pixels.
  int side = 0;
  int batch = 0;
  int classes = 0;
  int dimension = 64;
  // The number of images in an epoch, a multiple of `batch`. A run has one epoch to warm up and `epochs` measured ones.
  int images = 0;
  int epochs = 0;
  int threads = 0;
};

// The largest shift of an image, in pixels. It is the trainer's default.
int ShiftOf(const TrainingCase& one);

// Returns the images per second that semblance-trainer trains on the image folder. Its files are written below `directory`. Errors:
// Internal when the program fails.
absl::StatusOr<double> MeasureTrainer(const TrainingCase& one, const std::string& images, const std::string& directory);

// Returns the images per second that the loop in Python trains on random pixels in memory. Errors: FailedPrecondition when Python
// has no torch; Internal when the program fails.
absl::StatusOr<double> MeasurePython(const TrainingCase& one, bool channels_last);

// Returns the images per second that the loader prepares on all threads while nothing else runs. It uses either the trainer's
// default augmentation, or the costlier one of random resized crops and colors.
absl::StatusOr<double> MeasureLoader(const TrainingCase& one, const std::string& images, bool crops_and_colors);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_TRAINING_CONTESTANTS_H_
