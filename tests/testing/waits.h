// Waits for what other processes do: they change files, and they end.
//
// Thread-safe: functions without state. A test that would wait forever is ended by its limit in CTest.
#ifndef SEMBLANCE_TESTS_TESTING_WAITS_H_
#define SEMBLANCE_TESTS_TESTING_WAITS_H_

#include <sys/types.h>

#include <stop_token>
#include <string>

#include "absl/functional/function_ref.h"

namespace semblance::testing {

// A stop request or the end of a process ends a wait before its condition is true. By default neither does.
struct WaitEnd {
  std::stop_token stop = {};
  pid_t process = 0;
};

// Waits until `is_true` returns true. It is called at first, and again after each change in `directory`: an entry was created,
// written, renamed, or removed. Changes in folders below do not count. The directory may appear later.
// Returns the last value of `is_true`, which was called once more after the end.
bool AwaitInDirectory(const std::string& directory, absl::FunctionRef<bool()> is_true, const WaitEnd& end = {});

// Waits until the process has ended. Its parent may not have waited for it yet.
void AwaitProcessEnd(pid_t process);

// Calls `is_true` every millisecond until it returns true. Use this only for a state that nothing announces, and say so there.
void PollUntil(absl::FunctionRef<bool()> is_true);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_WAITS_H_
