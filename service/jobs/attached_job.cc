#include "service/jobs/attached_job.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

// poll takes an int of milliseconds, so a longer wait consists of several.
constexpr absl::Duration kLongestPoll = absl::Hours(1);

std::string ProcPath(pid_t pid, absl::string_view file) {
  return absl::StrCat("/proc/", pid, "/", file);
}

// Returns true if the process leads a group and has not ended. See proc(5).
bool LeadsGroup(pid_t pid) {
  const absl::StatusOr<std::string> stat = ReadFile(ProcPath(pid, "stat"));
  if (!stat.ok()) {
    return false;
  }
  // The name of the program may contain any character. State, parent and group follow it.
  const absl::string_view rest = absl::string_view(*stat).substr(stat->rfind(')') + 1);
  const std::vector<absl::string_view> fields = absl::StrSplit(rest, absl::MaxSplits(' ', 4));
  return fields.size() == 5 && fields[1] != "Z" && fields[1] != "X" && fields[3] == absl::StrCat(pid);
}

bool IsOurs(pid_t pid) {
  struct stat owner {};
  return ::stat(ProcPath(pid, "").c_str(), &owner) == 0 && owner.st_uid == ::geteuid();
}

bool RunsJob(pid_t pid, const std::string& name) {
  if (!IsOurs(pid) || !LeadsGroup(pid)) {
    return false;
  }
  const absl::StatusOr<std::string> environment = ReadFile(ProcPath(pid, "environ"));
  if (!environment.ok()) {
    return false;
  }
  const std::string wanted = absl::StrCat(kJobVariable, "=", name);
  const std::vector<absl::string_view> variables = absl::StrSplit(*environment, '\0');
  return std::find(variables.begin(), variables.end(), wanted) != variables.end();
}

class AttachedJob final : public Job {
 public:
  // Takes ownership of a descriptor of the process.
  AttachedJob(pid_t pid, int descriptor) : pid_(pid), descriptor_(descriptor) {}
  ~AttachedJob() override { ::close(descriptor_); }

  std::optional<int> Wait(absl::Duration limit) override {
    const absl::Time deadline = absl::Now() + limit;
    while (!HasEnded(std::clamp(deadline - absl::Now(), absl::ZeroDuration(), kLongestPoll))) {
      if (absl::Now() >= deadline) {
        return std::nullopt;
      }
    }
    return kExitUnknown;
  }

  void Stop(absl::Duration grace) override {
    if (HasEnded(absl::ZeroDuration())) {
      return;
    }
    ::kill(-pid_, SIGTERM);
    if (!Wait(grace).has_value()) {
      ::kill(-pid_, SIGKILL);
      Wait(absl::InfiniteDuration());
    } else if (!PathExists(ProcPath(pid_, ""))) {
      // This ends the rest of the group. While any of it exists, the kernel does not reuse the number of the leader.
      ::kill(-pid_, SIGKILL);
    }
  }

 private:
  // Returns true if the process ends within `limit`. A signal may end the wait earlier.
  bool HasEnded(absl::Duration limit) const {
    pollfd process{.fd = descriptor_, .events = POLLIN, .revents = 0};
    const absl::Duration rounded = absl::Ceil(limit, absl::Milliseconds(1));
    return ::poll(&process, 1, static_cast<int>(absl::ToInt64Milliseconds(rounded))) == 1;
  }

  const pid_t pid_;
  const int descriptor_;
};

// Returns null if the process with this number is not, or no longer, the job.
absl::StatusOr<std::unique_ptr<Job>> AttachIfJob(pid_t pid, const std::string& name) {
  if (!RunsJob(pid, name)) {
    return nullptr;
  }
  // The call is made by number, because glibc 2.36 declares it in a header that C++ cannot include.
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) {
    if (errno == ESRCH) {
      return nullptr;
    }
    return absl::UnavailableError(ErrnoError(errno, absl::StrCat("cannot watch the process ", pid)).message());
  }
  auto job = std::make_unique<AttachedJob>(pid, descriptor);
  // Another process may have received the number before the descriptor was opened.
  return RunsJob(pid, name) ? std::move(job) : nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Job>> AttachLocalJob(const std::string& name) {
  const absl::StatusOr<std::vector<std::string>> entries = ListDirectory("/proc");
  if (!entries.ok()) {
    return absl::UnavailableError(entries.status().message());
  }
  for (const std::string& entry : *entries) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry, &pid)) {
      continue;
    }
    SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<Job> job, AttachIfJob(pid, name));
    if (job != nullptr) {
      return job;
    }
  }
  return absl::NotFoundError(absl::StrCat("no process runs the job ", name));
}

}  // namespace semblance::service
