#include "tests/testing/waits.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/file.h"
#include "common/logging.h"

namespace semblance::testing {
namespace {

constexpr uint32_t kChanges =
    IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

// Closes a file descriptor at its end. -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

 private:
  const int number_;
};

// Returns a descriptor that becomes readable when the process ends, or -1 if there is no such process.
int OpenProcess(pid_t process) {
  // The call is made by number, because glibc 2.36 declares it in a header that C++ cannot include.
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  PCHECK(descriptor >= 0 || errno == ESRCH) << "cannot watch the process " << process;
  return descriptor;
}

void AwaitReadable(int descriptor) {
  pollfd entry = {.fd = descriptor, .events = POLLIN, .revents = 0};
  while (::poll(&entry, 1, -1) < 0) {
    PCHECK(errno == EINTR) << "poll";
  }
}

std::string NearestThatExists(const std::string& directory) {
  std::filesystem::path path = directory;
  while (!PathExists(path.string())) {
    path = path.parent_path();
  }
  return path.string();
}

// Watches the directory, or, while it does not exist, the nearest one above it.
void Watch(int inotify, const std::string& directory) {
  std::string watched;
  // Another directory on the way may have appeared or gone before the watch began, so the loop looks again.
  for (std::string nearest = NearestThatExists(directory); nearest != watched; nearest = NearestThatExists(directory)) {
    PCHECK(::inotify_add_watch(inotify, nearest.c_str(), kChanges) >= 0 || errno == ENOENT) << "cannot watch " << nearest;
    watched = nearest;
  }
}

void Drain(int inotify) {
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(inotify, events.data(), events.size()) > 0) {
  }
}

}  // namespace

bool AwaitInDirectory(const std::string& directory, absl::FunctionRef<bool()> is_true, const WaitEnd& end) {
  const Descriptor changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const Descriptor stopped(::eventfd(0, EFD_CLOEXEC));
  PCHECK(changes.number() >= 0 && stopped.number() >= 0) << "cannot wait for changes in " << directory;
  const Descriptor process(end.process > 0 ? OpenProcess(end.process) : -1);
  const std::stop_callback wake(end.stop, [&stopped] { ::eventfd_write(stopped.number(), 1); });
  bool is_over = end.process > 0 && process.number() < 0;
  while (true) {
    Watch(changes.number(), directory);
    if (is_true()) {
      return true;
    }
    if (is_over) {
      return false;
    }
    std::array<pollfd, 3> entries = {{{.fd = changes.number(), .events = POLLIN, .revents = 0},
                                      {.fd = stopped.number(), .events = POLLIN, .revents = 0},
                                      {.fd = process.number(), .events = POLLIN, .revents = 0}}};
    PCHECK(::poll(entries.data(), entries.size(), -1) > 0 || errno == EINTR) << "poll";
    is_over = entries[1].revents != 0 || entries[2].revents != 0;
    Drain(changes.number());
  }
}

void AwaitProcessEnd(pid_t process) {
  const Descriptor descriptor(OpenProcess(process));
  if (descriptor.number() >= 0) {
    AwaitReadable(descriptor.number());
  }
}

void PollUntil(absl::FunctionRef<bool()> is_true) {
  while (!is_true()) {
    absl::SleepFor(absl::Milliseconds(1));
  }
}

}  // namespace semblance::testing
