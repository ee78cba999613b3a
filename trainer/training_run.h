// A whole training run, from a validated config to a model bundle on disk.
//
// Not thread-safe: sets the number of threads and the seed of LibTorch, which are the process's.
#ifndef SEMBLANCE_TRAINER_TRAINING_RUN_H_
#define SEMBLANCE_TRAINER_TRAINING_RUN_H_

#include <stop_token>

#include "absl/status/status.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::trainer {

// Trains what `config` says and writes the bundle to config.output_dir. Stops with Cancelled, without a bundle, soon after *stop
// becomes true (in training: at the next step boundary, with a checkpoint, from which the same call goes on).
//
// On the CPU the same config on the same data gives the same weights, bit for bit, with the same number of compute threads.
//
// Errors: AlreadyExists (output_dir); InvalidArgument with reason and field (device, data); NotFound; FailedPrecondition (the loss
// is not finite: which step); Unavailable (another process trains in the same directory); Cancelled; I/O errors. REQUIRES: `config`
// comes from LoadTrainingConfig.
//
// Beside the checkpoints, in <output_dir>.checkpoints, are LOCK, held while the run goes on, progress.json (progress_file.h), which
// also keeps the error of a run that failed, and, with data.catalog_path, catalogue/ (catalog_snapshot.h).
//
// With several ranks (RankEnvironment), each process calls it with the same config, and the first writes the bundle.
absl::Status RunTraining(const v1::TrainingConfig& config, const std::stop_token& stop);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_TRAINING_RUN_H_
