// The training loops that are compared, each a program of its own, and the loader alone.
//
// Not thread-safe: starts programs one at a time. Every function ends when what it measures has ended.
#ifndef SEMBLANCE_BENCH_TRAINING_CONTESTANTS_H_
#define SEMBLANCE_BENCH_TRAINING_CONTESTANTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace semblance::bench {

// What is trained: the same for every contestant.
struct TrainingCase {
  // "small_convnet" or "resnet18".
  std::string network;
  // Input side, in pixels.
  int side = 0;
  int batch = 0;
  int classes = 0;
  int dimension = 64;
  // Of an epoch: a multiple of `batch`. A run is one epoch to warm up and `epochs` that are measured.
  int images = 0;
  int epochs = 0;
  int threads = 0;
};

// How far images are shifted: the trainer's default.
int ShiftOf(const TrainingCase& one);

// Images of a second of training by semblance-trainer on the image folder; its files go below `directory`. Errors: Internal when
// the program fails.
absl::StatusOr<double> MeasureTrainer(const TrainingCase& one, const std::string& images, const std::string& directory);

// The same of the loop in Python on random pixels in memory. Errors: FailedPrecondition when Python has no torch; Internal when the
// program fails.
absl::StatusOr<double> MeasurePython(const TrainingCase& one, bool channels_last);

// Images of a second that the loader prepares on all threads while nothing else runs: from the trainer's default augmentation, or
// from the costlier one of random resized crops and colours.
absl::StatusOr<double> MeasureLoader(const TrainingCase& one, const std::string& images, bool crops_and_colors);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_TRAINING_CONTESTANTS_H_
