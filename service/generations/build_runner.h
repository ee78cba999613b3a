// Runs semblance-builder for one generation until its build is complete.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_BUILD_RUNNER_H_
#define SEMBLANCE_SERVICE_GENERATIONS_BUILD_RUNNER_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "generation/generation_store.h"
#include "semblance/storage/v1/generation.pb.h"
#include "service/jobs/job_launcher.h"
#include "service/tasks/task_stop.h"

namespace semblance::service {

struct BuildRunnerOptions {
  std::string builder_path;
  std::string data_dir;
  // The server's --config, which configures the index; may be empty.
  std::string config_path;
  // 0 means one thread for each core.
  int threads = 0;
  // The delay before a failed builder is started again is this time, multiplied by one more than the number of starts so far.
  absl::Duration retry_delay = absl::Milliseconds(500);
};

// Runs builders. Everything that is pointed to must outlive it. Thread-safe.
class BuildRunner {
 public:
  // Receives the builder's progress, several times a second.
  using OnProgress = std::function<void(const storage::v1::BuildProgress&)>;

  BuildRunner(BuildRunnerOptions options, const generation::GenerationStore* store, JobLauncher* launcher, Clock* clock)
      : options_(std::move(options)), store_(store), launcher_(launcher), clock_(clock) {}

  // Waits for a builder of this generation that runs already, because it has outlived a server or was started by hand. A builder
  // that fails for a transient reason is started again, up to four times without progress. A shutdown stops the builder; the next
  // server resumes the build.
  //
  // Errors: Cancelled; FailedPrecondition with the builder's message; Unavailable when it failed too often;
  // DataLoss/MANIFEST_INVALID for a damaged build.json; those of JobLauncher::Start.
  absl::Status RunUntilComplete(const std::string& generation_id, const TaskStop& stop, const OnProgress& on_progress) const;

 private:
  const BuildRunnerOptions options_;
  const generation::GenerationStore* const store_;
  JobLauncher* const launcher_;
  Clock* const clock_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_BUILD_RUNNER_H_
