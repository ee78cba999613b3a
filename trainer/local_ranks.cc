#include "trainer/local_ranks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stop_token>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/process.h"
#include "common/status_macros.h"

namespace semblance::trainer {
namespace {

constexpr char kAddress[] = "127.0.0.1";
constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kPoll = absl::Milliseconds(50);

// Returns a port that was free a moment ago. The first rank will listen on it.
absl::StatusOr<int> FreePort() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    return ErrnoError(errno, "socket");
  }
  const absl::Cleanup close = [descriptor] { ::close(descriptor); };
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::inet_addr(kAddress);
  socklen_t size = sizeof(address);
  if (::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return ErrnoError(errno, "bind");
  }
  return ntohs(address.sin_port);
}

std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& one : *strings) {
    pointers.push_back(one.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> EnvironmentOf(int rank, int count, int port) {
  std::vector<std::string> environment = {absl::StrCat("RANK=", rank), absl::StrCat("LOCAL_RANK=", rank),
                                          absl::StrCat("WORLD_SIZE=", count), absl::StrCat("MASTER_ADDR=", kAddress),
                                          absl::StrCat("MASTER_PORT=", port)};
  const std::vector<std::string> own = environment;
  for (char** one = environ; *one != nullptr; ++one) {
    const bool is_ours = std::any_of(own.begin(), own.end(), [&](const std::string& assignment) {
      return absl::StartsWith(*one, assignment.substr(0, assignment.find('=') + 1));
    });
    if (!is_ours) {
      environment.emplace_back(*one);
    }
  }
  return environment;
}

class Children {
 public:
  ~Children() { Signal(SIGKILL); }

  absl::Status Start(std::vector<std::string> arguments, std::vector<std::string> environment) {
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, Pointers(&arguments).data(), Pointers(&environment).data());
    if (error != 0) {
      return ErrnoError(error, "cannot start a rank");
    }
    running_.push_back(pid);
    return absl::OkStatus();
  }

  bool AnyRuns() const { return !running_.empty(); }
  int exit_code() const { return exit_code_; }

  void Signal(int signal) const {
    for (const pid_t pid : running_) {
      ::kill(pid, signal);
    }
  }

  // Collects the processes that have ended. Returns true once any of them has failed.
  bool CollectEnded() {
    const auto has_ended = [this](pid_t pid) {
      int status = 0;
      if (::waitpid(pid, &status, WNOHANG) != pid) {
        return false;
      }
      constexpr int kSignalled = 128;  // The convention of shells.
      const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
      // A rank that lost another one may end before the one that failed, whose exit code says more.
      const bool says_why = exit_code_ == kExitTransient && code != 0 && code < kSignalled;
      exit_code_ = exit_code_ == 0 || says_why ? code : exit_code_;
      return true;
    };
    running_.erase(std::remove_if(running_.begin(), running_.end(), has_ended), running_.end());
    return exit_code_ != 0;
  }

 private:
  std::vector<pid_t> running_;
  int exit_code_ = 0;
};

}  // namespace

absl::StatusOr<int> RunLocalRanks(int count, const std::vector<std::string>& arguments, const std::stop_token& stop) {
  SEMBLANCE_ASSIGN_OR_RETURN(const int port, FreePort());
  Children children;
  std::vector<std::string> all = {"semblance-trainer"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  for (int rank = 0; rank < count; ++rank) {
    SEMBLANCE_RETURN_IF_ERROR(children.Start(all, EnvironmentOf(rank, count, port)));
  }
  absl::Time told_to_stop = absl::InfiniteFuture();
  while (children.AnyRuns()) {
    const bool one_failed = children.CollectEnded();
    if ((stop.stop_requested() || one_failed) && told_to_stop == absl::InfiniteFuture()) {
      children.Signal(SIGTERM);
      told_to_stop = absl::Now();
    }
    // A rank that waits for one that has ended does not react to SIGTERM.
    if (one_failed && absl::Now() > told_to_stop + kPatience) {
      children.Signal(SIGKILL);
    }
    absl::SleepFor(kPoll);
  }
  return children.exit_code();
}

}  // namespace semblance::trainer
