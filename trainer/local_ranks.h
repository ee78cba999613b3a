// Starts the ranks of a data-parallel run on this machine, as torchrun does. Each rank is a process of this same program, with
// RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT in its environment.
//
// Not thread-safe: waits for child processes.
#ifndef SEMBLANCE_TRAINER_LOCAL_RANKS_H_
#define SEMBLANCE_TRAINER_LOCAL_RANKS_H_

#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace semblance::trainer {

// Runs `count` >= 1 times this program with `arguments` (without its name), and waits for all. A requested
// stop sends them SIGTERM. When one fails, the others are told to stop, and killed if they do not within ten seconds. Returns the
// exit code of the first that failed, of one that only lost another (kExitTransient) last; 0 where all are done. Errors:
// Unavailable when a process or a port cannot be had.
absl::StatusOr<int> RunLocalRanks(int count, const std::vector<std::string>& arguments, const std::stop_token& stop);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOCAL_RANKS_H_
