#include "common/threads/worker.h"

#include <pthread.h>

#include <utility>

namespace semblance {

Worker::Worker(std::string name, Body body)
    : thread_([name = std::move(name), body = std::move(body)](const std::stop_token& stop) {
        constexpr size_t kLongestName = 15;
        ::pthread_setname_np(::pthread_self(), name.substr(0, kLongestName).c_str());
        body(stop);
      }) {}

void Worker::Stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

}  // namespace semblance
