#include "common/program/stop_signals.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <stop_token>

#include "common/logging.h"

namespace semblance {
namespace {

// A signal handler has no other way to know which descriptor to write to.
std::atomic<int> signal_event = -1;
static_assert(std::atomic<int>::is_always_lock_free, "read by a signal handler");

void AddToEvent(int event) {
  const uint64_t one = 1;
  while (::write(event, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

void HandleSignal(int /*signal*/) {
  const int saved_errno = errno;
  AddToEvent(signal_event);
  errno = saved_errno;
}

}  // namespace

StopSignals::StopSignals(std::initializer_list<int> signals, Repeated repeated) : event_(::eventfd(0, EFD_CLOEXEC)) {
  PCHECK(event_ >= 0) << "no eventfd";
  CHECK_EQ(signal_event.exchange(event_), -1) << "there are StopSignals already";
  thread_ = Worker("stop signals", [this](const std::stop_token& end) { AwaitSignal(end); });
  struct sigaction action = {};
  action.sa_handler = HandleSignal;
  action.sa_flags = static_cast<int>(SA_RESTART | (repeated == Repeated::kEndsProcess ? SA_RESETHAND : 0));
  for (const int signal : signals) {
    previous_.emplace_back(signal, (struct sigaction){});
    PCHECK(::sigaction(signal, &action, &previous_.back().second) == 0) << "signal " << signal;
  }
}

StopSignals::~StopSignals() {
  for (const auto& [signal, action] : previous_) {
    ::sigaction(signal, &action, nullptr);
  }
  thread_.Stop();
  signal_event = -1;
  ::close(event_);
}

void StopSignals::AwaitSignal(const std::stop_token& end) {
  const std::stop_callback wake(end, [this] { AddToEvent(event_); });
  uint64_t count = 0;
  while (::read(event_, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
  if (!end.stop_requested()) {
    source_.request_stop();
  }
}

}  // namespace semblance
