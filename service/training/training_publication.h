// Publishes the bundle of a training job: registers it as a model, builds a generation of it, and activates that if it is better.
//
// Thread-safe. The registry, the controller and the clock must outlive it.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_PUBLICATION_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_PUBLICATION_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "semblance/storage/v1/job.pb.h"
#include "service/generations/generation_controller.h"
#include "service/models/model_registry.h"
#include "service/tasks/task_stop.h"

namespace semblance::service {

// How a publication talks to the job that it belongs to.
struct PublicationHooks {
  // Makes the record's `model` and `generation` durable. Called before the step that they name is taken. After an error the
  // publication ends.
  std::function<absl::Status(const storage::v1::JobRecord&)> write;
  // Says in words what is being done.
  std::function<void(const std::string&)> report;
  // Ends the publication's waits.
  const TaskStop* stop = nullptr;
};

class TrainingPublication {
 public:
  TrainingPublication(ModelRegistry* models, GenerationController* generations, Clock* clock)
      : models_(models), generations_(generations), clock_(clock) {}

  // Does with the bundle what the manifest's on_success asks for. `record` says how far an interrupted publication came; no step is
  // done twice. Returns in words what became of the model. Errors: those of the registry and the controller; FailedPrecondition
  // when the generation FAILED or was cancelled; Cancelled when the stop was requested; those of `hooks.write`.
  absl::StatusOr<std::string> Publish(const storage::v1::JobManifest& manifest, const std::string& bundle_dir,
                                      storage::v1::JobRecord& record, const PublicationHooks& hooks) const;

  // Cancels the generation that `record` names, if it is still being built.
  void Cancel(const storage::v1::JobRecord& record) const;

 private:
  absl::Status Register(const storage::v1::JobManifest& manifest, const std::string& bundle_dir, storage::v1::JobRecord& record,
                        const PublicationHooks& hooks) const;
  absl::Status Build(const storage::v1::JobManifest& manifest, storage::v1::JobRecord& record, const PublicationHooks& hooks) const;
  // Waits until nothing more happens to the generation by itself.
  absl::StatusOr<GenerationInfo> AwaitRest(const std::string& generation, const PublicationHooks& hooks) const;

  ModelRegistry* const models_;
  GenerationController* const generations_;
  Clock* const clock_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_PUBLICATION_H_
