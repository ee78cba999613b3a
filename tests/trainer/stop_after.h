// Stops a training run while it runs, after a checkpoint.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_TRAINER_STOP_AFTER_H_
#define SEMBLANCE_TESTS_TRAINER_STOP_AFTER_H_

#include <algorithm>
#include <stop_token>
#include <string>
#include <vector>

#include "common/file.h"
#include "common/threads/worker.h"
#include "tests/testing/waits.h"

namespace semblance::testing {

// Asks a run to stop when a checkpoint appears.
class StopAfter {
 public:
  StopAfter(std::string checkpoints, std::stop_source* stop)
      : thread_("stop_after", [before = Newest(checkpoints), checkpoints, stop](const std::stop_token& end) {
          AwaitInDirectory(checkpoints, [&] { return Newest(checkpoints) != before; }, {.stop = end});
          stop->request_stop();
        }) {}

 private:
  static std::string Newest(const std::string& directory) {
    const auto names = ListDirectory(directory);
    std::string newest;
    for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
      newest = name.rfind("step_", 0) == 0 && name.find('.') == std::string::npos ? std::max(newest, name) : newest;
    }
    return newest;
  }

  Worker thread_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_STOP_AFTER_H_
