// From a trained bundle to a registered model, a generation, and, if it is better, the active one.
//
// Thread-safe. The registry and the controller must outlive it.
#ifndef SEMBLANCE_SERVICE_TRAINING_TRAINING_PUBLICATION_H_
#define SEMBLANCE_SERVICE_TRAINING_TRAINING_PUBLICATION_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/job.pb.h"
#include "service/generations/generation_controller.h"
#include "service/models/model_registry.h"

namespace semblance::service {

// What a publication does beside its work.
struct PublicationHooks {
  // Makes the record durable: called before a step that the record then names.
  std::function<absl::Status(const storage::v1::JobRecord&)> write;
  // In words, what is being done.
  std::function<void(const std::string&)> report;
  // Waits a little; an error where the publication is to end.
  std::function<absl::Status()> wait;
};

class TrainingPublication {
 public:
  TrainingPublication(ModelRegistry* models, GenerationController* generations) : models_(models), generations_(generations) {}

  // Does what the manifest's on_success asks for with the bundle, from where `record` stands: a publication that was interrupted
  // goes on, and does nothing twice. Returns in words what became of the model. Errors: of the registry and the controller;
  // FailedPrecondition when the generation FAILED; what `hooks` return.
  absl::StatusOr<std::string> Publish(const storage::v1::JobManifest& manifest, const std::string& bundle_dir,
                                      storage::v1::JobRecord& record, const PublicationHooks& hooks) const;

  // Ends the building of the generation that `record` names, if there is one that is being built.
  void Cancel(const storage::v1::JobRecord& record) const;

 private:
  absl::Status Register(const storage::v1::JobManifest& manifest, const std::string& bundle_dir, storage::v1::JobRecord& record,
                        const PublicationHooks& hooks) const;
  absl::Status Build(const storage::v1::JobManifest& manifest, storage::v1::JobRecord& record, const PublicationHooks& hooks) const;
  absl::StatusOr<GenerationInfo> AwaitRest(const std::string& generation, const PublicationHooks& hooks) const;

  ModelRegistry* const models_;
  GenerationController* const generations_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TRAINING_TRAINING_PUBLICATION_H_
