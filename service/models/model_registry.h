// The register of models: which bundles below the model root have been checked, under which name and version, and the aliases.
// proto/semblance/v1/model_service.proto has the rules. Kept in DATA_DIR/models.json.
//
// Thread-safe. A change is durable when its call returns. Register reads whole bundles and takes as long as that; it holds up no
// other call meanwhile. Find, List and IsKnown do not block.
//
// A bundle is known by its directory; its content is its embedding space. So registering a directory again is answered as it is
// registered, and one with another embedding space than it was registered with is refused: bundles do not change.
//
// Errors: InvalidArgument/INVALID_MODEL_NAME, field "model"; NotFound/MODEL_NOT_FOUND; I/O errors of models.json.
#ifndef SEMBLANCE_SERVICE_MODELS_MODEL_REGISTRY_H_
#define SEMBLANCE_SERVICE_MODELS_MODEL_REGISTRY_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/threads/mutex.h"
#include "semblance/storage/v1/bundle.pb.h"
#include "semblance/storage/v1/generation.pb.h"
#include "service/models/model_path.h"
#include "service/models/model_records.h"

namespace semblance::service {

struct Registration {
  ModelInfo model;
  // False: it was registered before.
  bool created = false;
};

struct ModelBundle {
  ModelInfo model;
  // Absolute.
  std::string bundle_dir;
};

class ModelRegistry {
 public:
  // What Register does with a directory whose model was deleted.
  enum class IfDeleted { kRegister, kRefuse };

  // `model_root` must exist. Errors: DataLoss/MANIFEST_INVALID, with the path, for a models.json that is damaged; I/O errors.
  static absl::StatusOr<std::unique_ptr<ModelRegistry>> Open(const std::string& data_dir, const std::string& model_root);

  // Absolute, links resolved.
  const std::string& root() const { return root_; }

  // Checks the bundle in the directory `path` (see FindBundle), every digest included, and registers it. Errors: as of FindBundle
  // and ReadBundle; AlreadyExists/MODEL_EXISTS; InvalidArgument/LIMIT_EXCEEDED when a name has no version left; FailedPrecondition
  // with kRefuse.
  absl::StatusOr<Registration> Register(const std::string& path, IfDeleted if_deleted = IfDeleted::kRegister);

  // A directory, relative to the root, is registered, or its model was deleted.
  bool IsKnown(const std::string& path) const;

  absl::StatusOr<ModelInfo> Find(absl::string_view name) const;

  // With its bundle's directory, if that is still where it was. Errors: as of FindBundle.
  absl::StatusOr<ModelBundle> Resolve(absl::string_view name) const;

  // By name and version; only those called `name`, unless empty. Errors: InvalidArgument/INVALID_MODEL_NAME, field "name".
  absl::StatusOr<std::vector<ModelInfo>> List(absl::string_view name = "") const;

  // Returns what was taken out. Errors: FailedPrecondition/MODEL_HAS_ALIAS.
  absl::StatusOr<ModelInfo> Delete(absl::string_view name);

  // Points the alias of a name ("champion") to `model` ("shoes/3"). Errors: InvalidArgument/INVALID_ALIAS, field "alias".
  absl::StatusOr<ModelInfo> SetAlias(absl::string_view alias, absl::string_view model);

  // Takes an alias of a name ("shoes") away; one that is not there is no error. Errors: as of SetAlias, field "name" for the name.
  absl::Status RemoveAlias(absl::string_view alias, absl::string_view name);

 private:
  using State = std::shared_ptr<const storage::v1::ModelRegister>;

  ModelRegistry(std::string path, std::string root, storage::v1::ModelRegister models);

  absl::StatusOr<Registration> Add(const BundlePlace& place, const storage::v1::BundleManifest& manifest, IfDeleted if_deleted);
  // Never waits for the disk.
  State Current() const;
  // Writes the new state; it becomes the current one when it is durable.
  absl::Status Commit(storage::v1::ModelRegister next) SEMBLANCE_REQUIRES(change_mutex_);

  const std::string path_;
  const std::string root_;
  // One change at a time: held from reading the state to Commit. Taken before mutex_.
  Mutex change_mutex_;
  mutable Mutex mutex_;
  State current_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_REGISTRY_H_
