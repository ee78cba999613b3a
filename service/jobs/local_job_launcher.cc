#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <thread>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "service/jobs/attached_job.h"
#include "service/jobs/job_launcher.h"
#include "service/jobs/log_rotation.h"

namespace semblance::service {
namespace {

constexpr mode_t kLogMode = 0644;
constexpr int kLowestPriority = 19;
constexpr int kLowPriority = 10;

// A child process and its exit code. Its Job and the thread that reaps it share this object.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}

  // Waits for the end of the child and keeps its exit code.
  void Reap() {
    // The child stays a zombie until the lock is held, so that no signal reaches another process with the same number.
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    const MutexLock lock(&mutex_);
    if (stopping_) {
      ::kill(-pid_, SIGKILL);  // This ends the rest of its group.
    }
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    ended_.NotifyAll();
  }

  std::optional<int> Wait(absl::Duration limit) {
    const MutexLock lock(&mutex_);
    ended_.WaitFor(mutex_, /*stop=*/{}, limit, [this]() SEMBLANCE_REQUIRES(mutex_) { return exit_code_.has_value(); });
    return exit_code_;
  }

  // The signal goes to the child and to every process that it started.
  void SignalToStop(int signal) {
    const MutexLock lock(&mutex_);
    if (!exit_code_.has_value()) {
      stopping_ = true;
      ::kill(-pid_, signal);
    }
  }

 private:
  const pid_t pid_;
  Mutex mutex_;
  Condition ended_;
  bool stopping_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::optional<int> exit_code_ SEMBLANCE_GUARDED_BY(mutex_);
};

class LocalJob final : public Job {
 public:
  explicit LocalJob(std::shared_ptr<Child> child) : child_(std::move(child)) {}

  std::optional<int> Wait(absl::Duration limit) override { return child_->Wait(limit); }

  void Stop(absl::Duration grace) override {
    child_->SignalToStop(SIGTERM);
    if (!child_->Wait(grace).has_value()) {
      child_->SignalToStop(SIGKILL);
      child_->Wait(absl::InfiniteDuration());
    }
  }

 private:
  const std::shared_ptr<Child> child_;
};

// Describes what posix_spawn does between fork and exec. REQUIRES: `log` stays open.
class SpawnPlan {
 public:
  explicit SpawnPlan(int log) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, log, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, log, STDERR_FILENO);
    // Otherwise a descriptor that a library left open, such as a listening socket, would outlive this process in the job.
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes_);
    // No signal is blocked or ignored in the job. The server itself blocks them, because it handles them with sigwait.
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    // The job gets a group but no session. With the kernel's autogroups another session would get an equal share of the CPU,
    // whatever its priorities are.
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // Returns 0 or an errno.
  int Run(const JobSpec& spec, pid_t* pid) const {
    std::vector<char*> argv;
    for (const std::string& argument : spec.arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    const std::string prefix = absl::StrCat(kJobVariable, "=");
    const std::string name = prefix + spec.name;
    std::vector<char*> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      if (!absl::StartsWith(*variable, prefix)) {
        environment.push_back(*variable);
      }
    }
    if (!spec.name.empty()) {
      environment.push_back(const_cast<char*>(name.c_str()));
    }
    environment.push_back(nullptr);
    return ::posix_spawn(pid, argv[0], &actions_, &attributes_, argv.data(), environment.data());
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// The program has only just started, so all its threads inherit the policy. The spawn attributes of glibc do not support
// SCHED_IDLE.
void YieldToOthers(pid_t pid, JobPriority priority) {
  const sched_param none{};
  if (priority == JobPriority::kLow) {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), kLowPriority);
  } else if (::sched_setscheduler(pid, SCHED_IDLE, &none) != 0) {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), kLowestPriority);
  }
}

// Errors are ignored. They mean that the program has already ended, or that its limit is lower.
void Limit(pid_t pid, int64_t max_memory_bytes) {
  // A core dump of a trainer would be large and would contain its images.
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  ::prlimit(pid, RLIMIT_CORE, &no_core, nullptr);
  if (max_memory_bytes > 0) {
    const auto bytes = static_cast<rlim_t>(max_memory_bytes);
    // Memory that is mapped from files, such as weights and libraries, does not count.
    const rlimit memory{.rlim_cur = bytes, .rlim_max = bytes};
    ::prlimit(pid, RLIMIT_DATA, &memory, nullptr);
  }
}

class LocalJobLauncher final : public JobLauncher {
 public:
  absl::StatusOr<std::unique_ptr<Job>> Start(const JobSpec& spec) override {
    if (spec.replicas > 1) {
      return absl::InvalidArgumentError(absl::StrCat("replicas is ", spec.replicas, "; at most 1 on one machine"));
    }
    // A log that is too long does not prevent the start.
    if (const absl::Status status = RotateLog(spec.log_path, kMaxLogBytes, kKeptLogs); !status.ok()) {
      LOG(WARNING) << status.message();
    }
    const int log = ::open(spec.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kLogMode);
    if (log < 0) {
      return ErrnoError(errno, absl::StrCat("cannot open ", spec.log_path));
    }
    const absl::Cleanup close = [log] { ::close(log); };
    pid_t pid = 0;
    if (const int error = SpawnPlan(log).Run(spec, &pid); error != 0) {
      const std::string what = absl::StrCat("cannot start ", spec.arguments[0]);
      // EAGAIN means that the limit of processes is reached.
      return error == EAGAIN ? absl::ResourceExhaustedError(absl::StrCat(what, ": too many processes")) : ErrnoError(error, what);
    }
    YieldToOthers(pid, spec.priority);
    Limit(pid, spec.max_memory_bytes);
    auto child = std::make_shared<Child>(pid);
    // The thread is detached, because a job may outlive its Job, the launcher and this process. It reaps the job as long as
    // this process exists.
    std::thread([child] { child->Reap(); }).detach();
    Remember(spec.name, child);
    return std::make_unique<LocalJob>(std::move(child));
  }

  absl::StatusOr<std::unique_ptr<Job>> Attach(const std::string& name) override {
    {
      const MutexLock lock(&mutex_);
      const auto found = children_.find(name);
      std::shared_ptr<Child> child = found == children_.end() ? nullptr : found->second.lock();
      // Only the exit code of a child can be known.
      if (child != nullptr && !child->Wait(absl::ZeroDuration()).has_value()) {
        return std::make_unique<LocalJob>(std::move(child));
      }
    }
    return AttachLocalJob(name);
  }

  bool LaunchesReplicas() const override { return false; }

 private:
  void Remember(const std::string& name, const std::shared_ptr<Child>& child) {
    const MutexLock lock(&mutex_);
    std::erase_if(children_, [](const auto& entry) { return entry.second.expired(); });
    if (!name.empty()) {
      children_[name] = child;
    }
  }

  Mutex mutex_;
  // The children by name. The thread that reaps a child keeps it, and so do its Jobs.
  std::map<std::string, std::weak_ptr<Child>> children_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<JobLauncher> NewLocalJobLauncher() {
  return std::make_unique<LocalJobLauncher>();
}

}  // namespace semblance::service
