// Stops a training run while it runs, after a checkpoint.
//
// Not thread-safe.
#ifndef SEMBLANCE_TESTS_TRAINER_STOP_AFTER_H_
#define SEMBLANCE_TESTS_TRAINER_STOP_AFTER_H_

#include <algorithm>
#include <atomic>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/file.h"

namespace semblance::testing {

// Asks a run to stop when a checkpoint appears.
class StopAfter {
 public:
  StopAfter(std::string checkpoints, std::stop_source* stop)
      : thread_([this, before = Newest(checkpoints), checkpoints, stop] {
          while (!done_ && Newest(checkpoints) == before) {
            std::this_thread::yield();
          }
          stop->request_stop();
        }) {}
  ~StopAfter() {
    done_ = true;
    thread_.join();
  }

 private:
  static std::string Newest(const std::string& directory) {
    const auto names = ListDirectory(directory);
    std::string newest;
    for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
      newest = name.rfind("step_", 0) == 0 && name.find('.') == std::string::npos ? std::max(newest, name) : newest;
    }
    return newest;
  }

  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_STOP_AFTER_H_
