// Log lines on standard error, by glog: LOG(INFO), LOG(WARNING), LOG(ERROR). glog, because LibTorch's headers bring its macros
// along.
//
// Thread-safe after InitLogging.
#ifndef SEMBLANCE_COMMON_LOGGING_H_
#define SEMBLANCE_COMMON_LOGGING_H_

#include <glog/logging.h>

namespace semblance {

// Call once, first in main. Lines go to standard error and nowhere else.
void InitLogging(const char* program);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_LOGGING_H_
