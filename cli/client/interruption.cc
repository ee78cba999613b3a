#include "cli/client/interruption.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "absl/time/clock.h"
#include "common/logging.h"

namespace semblance::cli {
namespace {

constexpr char kSignal = 's';
constexpr char kEnd = 'e';

// A signal handler has no other way to know where to write to.
std::atomic<int> signal_pipe = -1;
static_assert(std::atomic<int>::is_always_lock_free, "read by a signal handler");

void Write(int descriptor, char what) {
  while (::write(descriptor, &what, 1) < 0 && errno == EINTR) {
  }
}

void HandleSignal(int /*signal*/) {
  const int saved_errno = errno;
  Write(signal_pipe, kSignal);
  errno = saved_errno;
}

}  // namespace

Interruption::Interruption() {
  PCHECK(::pipe2(pipe_.data(), O_CLOEXEC) == 0) << "no pipe";
  CHECK_EQ(signal_pipe.exchange(pipe_[1]), -1) << "there is an Interruption already";
  thread_ = std::thread([this] { AwaitSignal(); });
  struct sigaction action = {};
  action.sa_handler = HandleSignal;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  ::sigaction(SIGINT, &action, &previous_int_);
  ::sigaction(SIGTERM, &action, &previous_term_);
}

Interruption::~Interruption() {
  ::sigaction(SIGINT, &previous_int_, nullptr);
  ::sigaction(SIGTERM, &previous_term_, nullptr);
  Write(pipe_[1], kEnd);
  thread_.join();
  signal_pipe = -1;
  ::close(pipe_[0]);
  ::close(pipe_[1]);
}

bool Interruption::happened() const {
  MutexLock lock(&mutex_);
  return happened_;
}

bool Interruption::WaitFor(absl::Duration limit) {
  const auto deadline = absl::ToChronoTime(absl::Now() + limit);
  MutexLock lock(&mutex_);
  while (!happened_) {
    if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) {
      break;
    }
  }
  return happened_;
}

void Interruption::SetAction(std::function<void()> action) {
  MutexLock lock(&mutex_);
  action_ = std::move(action);
  if (happened_ && action_) {
    action_();
  }
}

void Interruption::AwaitSignal() {
  char what = kEnd;
  while (true) {
    const ssize_t count = ::read(pipe_[0], &what, 1);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count != 1 || what == kEnd) {
      return;
    }
    MutexLock lock(&mutex_);
    happened_ = true;
    changed_.notify_all();
    if (action_) {
      action_();
    }
  }
}

}  // namespace semblance::cli
