// The GenerationController of the server; see there. This class has the commands and the queries; GenerationBuilding,
// GenerationActivation and GenerationRetirement do the work, and GenerationTable has the states.
//
// Thread-safe. Call Start after Engine::Start has returned; until then methods answer Unavailable/NO_ACTIVE_GENERATION. Shutdown
// stops a build, which the next server resumes, and must come before the end of the engine. Everything that is passed by pointer
// must outlive it.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_LIFECYCLE_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_LIFECYCLE_H_

#include <optional>
#include <stop_token>
#include <string>

#include "common/clock.h"
#include "common/threads/mutex.h"
#include "generation/generation_store.h"
#include "service/engine/engine.h"
#include "service/generations/build_runner.h"
#include "service/generations/generation_activation.h"
#include "service/generations/generation_building.h"
#include "service/generations/generation_controller.h"
#include "service/generations/generation_retirement.h"
#include "service/generations/generation_table.h"
#include "service/generations/rollback_target.h"
#include "service/tasks/durable_queue.h"

namespace semblance::service {

struct GenerationLifecycleOptions {
  BuildRunnerOptions build;
  // Must outlive the lifecycle; may be null.
  EngineMetrics* metrics = nullptr;
};

class GenerationLifecycle final : public GenerationController {
 public:
  GenerationLifecycle(GenerationLifecycleOptions options, Engine* engine, JobLauncher* launcher, Clock* clock);
  ~GenerationLifecycle() override;

  // Reads the generations on the disk and resumes their builds. A damaged generation is FAILED and harms no other. Errors: those of
  // reading active.json and of listing the generations.
  absl::Status Start();

  // Refuses new commands and stops the build. Returns when no worker runs any more. May be called again.
  void Shutdown();

  absl::StatusOr<GenerationInfo> Create(const GenerationSpec& request) override;
  absl::StatusOr<GenerationInfo> Get(const std::string& id) const override;
  absl::StatusOr<GenerationList> List() const override;
  absl::StatusOr<GenerationEvaluation> Evaluate(const std::string& id) override;
  absl::StatusOr<ActivationResult> Activate(const std::string& id, const std::string& expected_active, bool validate_only) override;
  absl::StatusOr<ActivationResult> Rollback(const std::string& expected_active) override;
  absl::StatusOr<GenerationInfo> Cancel(const std::string& id) override;
  absl::Status Delete(const std::string& id) override;
  absl::StatusOr<GenerationInfo> SetTraffic(const std::string& id, const TrafficShares& shares) override;
  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer) override;
  void RemoveObserver(int64_t token) override { table_.RemoveObserver(token); }

 private:
  // The id of the generation that answers; empty when there is none.
  std::string ActiveId() const;
  // Fills in the measured values whenever a generation is read.
  void Measure(GenerationInfo& info) const;
  absl::Status CheckMemory(int dimension) const;
  // Reserves the only place for a build. Returns the generation of an earlier request instead, if this one repeats it.
  absl::StatusOr<std::optional<GenerationInfo>> ReserveBuild(const GenerationSpec& spec);
  absl::StatusOr<GenerationInfo> CreateReserved(const GenerationSpec& spec);

  // Puts a generation of the disk into the table. Returns true if it needs work.
  bool Recover(const generation::StoredGeneration& stored);
  // Runs on the building worker.
  void RunTask(DurableQueue::Task& task);

  Engine* const engine_;
  const generation::GenerationStore& store_;
  Clock* const clock_;
  RollbackTarget rollback_target_;
  GenerationTable table_;
  const BuildRunner builder_;
  GenerationRetirement retirement_;
  GenerationActivation activation_;
  GenerationBuilding building_;

  // Ends the evaluations that clients have asked for.
  std::stop_source evaluations_stop_;

  Mutex mutex_;
  // True while a Create is in progress.
  bool creating_ SEMBLANCE_GUARDED_BY(mutex_) = false;

  // It comes last, because its worker uses everything above.
  DurableQueue queue_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_LIFECYCLE_H_
