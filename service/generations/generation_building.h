// Builds a generation, from a bundle and the catalog to READY.
//
// Not thread-safe: one worker builds. Everything that is passed by pointer must outlive it.
//
// Each step is recorded in the generation's state.json when it is complete. An interrupted build is therefore resumed at the step
// in which it was interrupted. A generation that was READY before a restart is loaded again by the same steps, without the gates.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_BUILDING_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_BUILDING_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/generation.pb.h"
#include "service/engine/engine.h"
#include "service/generations/build_runner.h"
#include "service/generations/generation_table.h"
#include "service/tasks/durable_queue.h"

namespace semblance::service {

class GenerationBuilding {
 public:
  GenerationBuilding(Engine* engine, GenerationTable* table, const BuildRunner* builder);

  // Returns OK when the generation is READY, or STANDBY if it was active once. Just before that the task is closed, and can no
  // longer be cancelled. Errors: Cancelled; FailedPrecondition/GENERATION_GATE_FAILED with the measured values; those of
  // BuildRunner, CheckBuild, LoadGeneration and LiveGenerations::Add.
  absl::Status BuildUntilReady(DurableQueue::Task& task);

 private:
  using Manifest = storage::v1::GenerationManifest;
  using Record = storage::v1::GenerationRecord;

  // The steps. Each does nothing when the record says that it is complete.
  absl::Status RunBuilder(const DurableQueue::Task& task, Record& record);
  absl::Status CheckDigests(const Manifest& manifest, Record& record);
  absl::StatusOr<std::shared_ptr<Generation>> LoadAndCatchUp(const DurableQueue::Task& task, const Manifest& manifest);
  absl::Status EvaluateGates(const DurableQueue::Task& task, const std::shared_ptr<Generation>& generation);
  absl::Status AnnounceReady(DurableQueue::Task& task, Record& record);

  absl::Status SetPhase(const std::string& id, Record::Phase phase, Record& record);
  void ShowBuild(const std::string& id, const storage::v1::BuildProgress& progress);

  Engine* const engine_;
  GenerationTable* const table_;
  const BuildRunner* const builder_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_BUILDING_H_
