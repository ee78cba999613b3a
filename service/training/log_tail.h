// Reads the lines that were added to a growing log.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_SERVICE_TRAINING_LOG_TAIL_H_
#define SEMBLANCE_SERVICE_TRAINING_LOG_TAIL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "service/training/training_info.h"

namespace semblance::service {

// See TrainingController::ReadLog. Reads at most the last 64 KiB. Bytes that are not UTF-8 become "?". A progress bar returns to
// the beginning of its line again and again; only its last text is returned.
absl::StatusOr<LogLines> ReadLogLines(const std::string& path, int64_t offset, int max_lines);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_LOG_TAIL_H_
