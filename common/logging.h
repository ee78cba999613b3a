// Writes log lines to standard error, with the macros of glog: LOG(INFO), LOG(WARNING), LOG(ERROR). The project uses glog, because
// the headers of LibTorch define its macros anyway.
//
// Thread-safe after InitLogging.
#ifndef SEMBLANCE_COMMON_LOGGING_H_
#define SEMBLANCE_COMMON_LOGGING_H_

#include <glog/logging.h>

namespace semblance {

// Call it once, first in main. Lines go to standard error and nowhere else.
void InitLogging(const char* program);

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_LOGGING_H_
