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
#include <set>
#include <stop_token>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/program/process.h"
#include "common/status_macros.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"

namespace semblance::trainer {
namespace {

constexpr char kAddress[] = "127.0.0.1";
constexpr absl::Duration kPatience = absl::Seconds(10);
// A rank that lost another one may end before the one that failed, which gets this time to say why.
constexpr absl::Duration kReasonPatience = absl::Seconds(2);

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

// The processes of the ranks. A thread waits for each of them, so that nobody polls.
class Children {
 public:
  Children() = default;
  // Kills those that still run.
  ~Children() { Signal(SIGKILL); }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  absl::Status Start(std::vector<std::string> arguments, std::vector<std::string> environment) {
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, Pointers(&arguments).data(), Pointers(&environment).data());
    if (error != 0) {
      return ErrnoError(error, "cannot start a rank");
    }
    {
      const MutexLock lock(&mutex_);
      running_.insert(pid);
    }
    reapers_.emplace_back("rank", [this, pid](const std::stop_token& /*stop*/) { Reap(pid); });
    return absl::OkStatus();
  }

  void Signal(int signal) {
    const MutexLock lock(&mutex_);
    for (const pid_t pid : running_) {
      ::kill(pid, signal);
    }
  }

  // Returns when no rank runs, or one has failed, or a stop is requested.
  void AwaitEndOrFailure(const std::stop_token& stop) {
    const MutexLock lock(&mutex_);
    changed_.Wait(mutex_, stop, [this]() SEMBLANCE_REQUIRES(mutex_) { return running_.empty() || exit_code_ != 0; });
  }

  // Returns when the exit code says why the ranks end, or none runs, or at the limit.
  void AwaitReason(absl::Duration limit) {
    const MutexLock lock(&mutex_);
    changed_.WaitFor(mutex_, /*stop=*/{}, limit,
                     [this]() SEMBLANCE_REQUIRES(mutex_) { return running_.empty() || exit_code_ != kExitTransient; });
  }

  // Returns true when no rank runs, and false at the limit.
  bool AwaitEnd(absl::Duration limit) {
    const MutexLock lock(&mutex_);
    return changed_.WaitFor(mutex_, /*stop=*/{}, limit, [this]() SEMBLANCE_REQUIRES(mutex_) { return running_.empty(); });
  }

  int exit_code() const {
    const MutexLock lock(&mutex_);
    return exit_code_;
  }

 private:
  void Reap(pid_t pid) {
    // The process stays a zombie until the lock is held, so that Signal never meets another process with its number.
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    const MutexLock lock(&mutex_);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    running_.erase(pid);
    RecordEnd(status);
    changed_.NotifyAll();
  }

  void RecordEnd(int status) SEMBLANCE_REQUIRES(mutex_) {
    constexpr int kSignalled = 128;  // The convention of shells.
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
    // A rank that lost another one may end before the one that failed, whose exit code says more.
    const bool says_why = exit_code_ == kExitTransient && code != 0 && code < kSignalled;
    exit_code_ = exit_code_ == 0 || says_why ? code : exit_code_;
  }

  mutable Mutex mutex_;
  Condition changed_;
  std::set<pid_t> running_ SEMBLANCE_GUARDED_BY(mutex_);
  int exit_code_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  // They come last, because they use everything above.
  std::vector<Worker> reapers_;
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
  children.AwaitEndOrFailure(stop);
  // SIGTERM would replace the exit code of a rank that is about to end with its error.
  children.AwaitReason(kReasonPatience);
  children.Signal(SIGTERM);
  // No limit: a rank that stops writes a checkpoint first.
  children.AwaitEndOrFailure(/*stop=*/{});
  // A rank that waits for one that has ended does not react to SIGTERM.
  if (!children.AwaitEnd(kPatience)) {
    children.Signal(SIGKILL);
    children.AwaitEnd(absl::InfiniteDuration());
  }
  return children.exit_code();
}

}  // namespace semblance::trainer
