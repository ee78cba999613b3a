// Runs semblance-builder for one generation until what it builds is complete.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_BUILD_PROCESS_H_
#define SEMBLANCE_SERVICE_GENERATIONS_BUILD_PROCESS_H_

#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "generation/generation_store.h"
#include "semblance/storage/v1/generation.pb.h"
#include "service/jobs/job_launcher.h"

namespace semblance::service {

struct BuildProcessOptions {
  std::string builder_path;
  std::string data_dir;
  // The server's --config, for the index; may be empty.
  std::string config_path;
  // 0: one per core.
  int threads = 0;
};

// What may end a build before it is complete; both are looked at several times a second.
struct BuildSignals {
  // The generation is not wanted any more.
  std::stop_token cancelled;
  // The server ends: the builder is stopped too, and goes on after the restart.
  std::stop_token stopping;
};

// A builder of this generation that runs already (it outlived the server, or was started by hand) is waited for. One that fails for
// a reason that may pass is started again, a few times without progress. `on_progress` gets what it reports, several times a
// second. Errors: Cancelled; FailedPrecondition with the builder's words; Unavailable when it failed too often;
// DataLoss/MANIFEST_INVALID for a damaged build.json; as of JobLauncher::Start.
absl::Status RunBuilder(const generation::GenerationStore& store, const std::string& generation_id,
                        const BuildProcessOptions& options, JobLauncher& launcher, const BuildSignals& signals,
                        const std::function<void(const storage::v1::BuildProgress&)>& on_progress);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_BUILD_PROCESS_H_
