// Bounds the size of a log that programs append to.
//
// Thread-safe: a function without state. Each log may have one caller at a time.
//
// The writers keep their descriptor, which must have been opened with O_APPEND. The log is copied and then truncated. Lines
// that are written between the two, within microseconds, are lost. After a crash between them lines exist twice.
#ifndef SEMBLANCE_SERVICE_JOBS_LOG_ROTATION_H_
#define SEMBLANCE_SERVICE_JOBS_LOG_ROTATION_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace semblance::service {

// The log of a job is rotated when the job is started.
inline constexpr int64_t kMaxLogBytes = 16 << 20;
inline constexpr int kKeptLogs = 3;

// If the log is larger than max_bytes, its content becomes path.1, path.1 becomes path.2, and so on up to path.<keep>. The log
// is then empty. A missing log is no error. REQUIRES: keep >= 1.
absl::Status RotateLog(const std::string& path, int64_t max_bytes, int keep);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_LOG_ROTATION_H_
