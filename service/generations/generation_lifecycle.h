// The GenerationController of the server; see there. It drives the engine's LiveGenerations.
//
// Thread-safe. Start after Engine::Start has returned; until then methods answer Unavailable/NO_ACTIVE_GENERATION. Shutdown stops a
// build (it goes on after a restart) and must come before the engine's end. The engine and the launcher must outlive it.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_LIFECYCLE_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_LIFECYCLE_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "common/threads/mutex.h"
#include "generation/generation_store.h"
#include "service/engine/engine.h"
#include "service/generations/build_process.h"
#include "service/generations/generation_controller.h"
#include "service/generations/generation_reaper.h"
#include "service/generations/generation_table.h"

namespace semblance::service {

struct GenerationLifecycleOptions {
  BuildProcessOptions build;
  // Must outlive the lifecycle; may be null.
  EngineMetrics* metrics = nullptr;
};

class GenerationLifecycle final : public GenerationController {
 public:
  GenerationLifecycle(GenerationLifecycleOptions options, Engine* engine, JobLauncher* launcher);
  ~GenerationLifecycle() override;

  // Reads what is on disk and takes up what was under way. A generation that is damaged is FAILED and stops none of the others.
  // Errors: of active.json and of listing the generations.
  absl::Status Start();

  // No new commands; stops the build. Returns when its thread has ended. May be called twice.
  void Shutdown();

  absl::StatusOr<GenerationInfo> Create(const GenerationSpec& spec) override;
  absl::StatusOr<GenerationInfo> Get(const std::string& id) const override;
  absl::StatusOr<GenerationList> List() const override;
  absl::StatusOr<GenerationEvaluation> Evaluate(const std::string& id) override;
  absl::StatusOr<ActivationResult> Activate(const std::string& id, const std::string& expected_active, bool validate_only) override;
  absl::StatusOr<ActivationResult> Rollback(const std::string& expected_active) override;
  absl::StatusOr<GenerationInfo> Cancel(const std::string& id) override;
  absl::Status Delete(const std::string& id) override;
  absl::StatusOr<GenerationInfo> SetTraffic(const std::string& id, const TrafficShares& shares) override;
  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer) override;
  void RemoveObserver(int64_t token) override;

 private:
  // What waits for the building thread, or runs on it.
  struct Work {
    std::string id;
    // Wanted no more.
    std::stop_source cancelled;
  };

  // After a restart a generation is not gone because it has not been taken up yet.
  absl::Status CheckStarted() const;
  absl::Status CheckRunning() const;
  // The generation that answers; empty where there is none.
  std::string ActiveId() const;
  // Fills in what is measured at the moment of asking.
  void Complete(GenerationInfo& info) const;
  absl::Status CheckMemory(int dimension) const;
  absl::StatusOr<GenerationInfo> CreateReserved(const GenerationSpec& spec, const std::string& request_digest);

  // Puts a generation of the disk into the table; queues it where there is something to do.
  void TakeUp(const generation::StoredGeneration& stored);
  // It may have failed, or been deleted, since active.json was written: then there is none to roll back to.
  void ForgetPreviousUnlessQueued();
  void Enqueue(const std::string& id, bool cancelled);

  // The building thread.
  void Run();
  void Process(const Work& work);
  // Before the last state is announced: who hears of it may create the next generation at once.
  void Conclude(const std::string& id);
  // From here on a cancellation is refused; one that was accepted before is the error.
  absl::Status ConcludeUnlessCancelled(const Work& work);
  // To READY (or STANDBY).
  absl::Status Bring(const Work& work);
  absl::Status RunBuild(const Work& work);
  absl::StatusOr<std::shared_ptr<Generation>> Load(const Work& work, const storage::v1::GenerationManifest& manifest);
  absl::Status Judge(const Work& work, const std::shared_ptr<Generation>& generation);
  void ActivateByPolicy(const std::string& id);
  void ReportBuild(const std::string& id, const storage::v1::BuildProgress& progress);

  absl::StatusOr<GenerationEvaluation> Measure(const std::string& id, const std::shared_ptr<Generation>& generation,
                                               const std::stop_token& stop);
  absl::StatusOr<ActivationResult> ActivateNow(const std::string& id);
  // Retires standby generations but `previous`.
  void RetireOlderStandbys();
  // `record_phase` says what it is to be after a restart.
  void Unload(const std::string& id, storage::v1::GenerationRecord::Phase phase, const std::string& reason);
  // A generation that followed can no longer.
  void FailLive(const std::string& id, const absl::Status& status);
  // A state.json that is damaged is replaced.
  absl::Status WritePhase(const std::string& id, storage::v1::GenerationRecord::Phase phase, const std::string& reason);

  const GenerationLifecycleOptions options_;
  Engine* const engine_;
  JobLauncher* const launcher_;
  const generation::GenerationStore store_;
  const v1::GenerationsConfig& config_;

  std::atomic<bool> started_ = false;
  std::stop_source stopping_;
  // An activation is under way.
  std::atomic<bool> activating_ = false;

  GenerationTable table_;

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Work> queue_ SEMBLANCE_GUARDED_BY(mutex_);
  // Of everything queued or running, by id.
  std::map<std::string, std::stop_source> cancellations_ SEMBLANCE_GUARDED_BY(mutex_);
  // A Create is under way.
  bool creating_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::string previous_ SEMBLANCE_GUARDED_BY(mutex_);

  GenerationReaper reaper_;
  std::thread thread_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_LIFECYCLE_H_
