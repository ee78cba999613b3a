// A whole training run, from a validated config to a model bundle on disk.
//
// Not thread-safe: sets the number of threads and the seed of LibTorch, which are the process's.
#ifndef SEMBLANCE_TRAINER_TRAINING_RUN_H_
#define SEMBLANCE_TRAINER_TRAINING_RUN_H_

#include <stop_token>

#include "absl/status/status.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::trainer {

// Trains as `config` says and writes the bundle to config.output_dir. Stops with Cancelled, without a bundle, soon after a
// stop is requested. A run that is stopped while it trains ends at the next step boundary, with a checkpoint, from which the same
// call resumes.
//
// On the CPU the same config on the same data gives the same weights, bit for bit, with the same number of compute threads.
//
// Errors: AlreadyExists (output_dir); InvalidArgument with reason and field (device, data); NotFound; FailedPrecondition (the loss
// is not finite: which step); Unavailable (another process trains in the same directory); Cancelled; I/O errors. REQUIRES: `config`
// comes from LoadTrainingConfig.
//
// The directory <output_dir>.checkpoints also has LOCK, which is held during the run; progress.json (progress_file.h), which also
// keeps the error of a run that failed; and, with data.catalog_path, catalogue/ (catalog_snapshot.h).
//
// With several ranks (see RankEnvironment), each process calls this with the same config, and the first rank writes the bundle.
absl::Status RunTraining(const v1::TrainingConfig& config, const std::stop_token& stop);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_TRAINING_RUN_H_
