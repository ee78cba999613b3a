// Keeps a log that programs append to from growing without bounds.
//
// Thread-safe: a function without state; one caller at a time for each log.
//
// The writers keep their descriptor, which must have been opened with O_APPEND: the log is copied and then truncated. What they
// write between the two, a matter of microseconds, is lost; after a crash between them lines are there twice.
#ifndef SEMBLANCE_SERVICE_JOBS_LOG_ROTATION_H_
#define SEMBLANCE_SERVICE_JOBS_LOG_ROTATION_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace semblance::service {

// Of a job's log, when the job is started.
inline constexpr int64_t kMaxLogBytes = 16 << 20;
inline constexpr int kKeptLogs = 3;

// Where the log is larger than max_bytes: its content becomes path.1, what was path.1 becomes path.2, and so on up to path.<keep>;
// the log is then empty. No log is no error. REQUIRES: keep >= 1.
absl::Status RotateLog(const std::string& path, int64_t max_bytes, int keep);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_LOG_ROTATION_H_
