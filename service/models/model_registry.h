// The register of models. It lists the checked bundles below the model root with their names, versions and aliases.
// proto/semblance/v1/model_service.proto has the rules. The register is stored in DATA_DIR/models.json.
//
// Thread-safe. A change is durable when its call returns. Register reads whole bundles, which takes time, but no other call
// waits for it. Find, List and IsKnown do not block.
//
// A bundle is identified by its directory, and its content by its embedding space. Registering a directory again returns the
// existing record. A directory whose embedding space has changed is refused, because bundles are immutable.
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
  // False if it was registered before.
  bool created = false;
};

struct ModelBundle {
  ModelInfo model;
  // The absolute path.
  std::string bundle_dir;
};

class ModelRegistry {
 public:
  // Says whether Register accepts a directory whose model was deleted.
  enum class IfDeleted { kRegister, kRefuse };

  // `model_root` must exist. Errors: DataLoss/MANIFEST_INVALID with the path for a damaged models.json; I/O errors.
  static absl::StatusOr<std::unique_ptr<ModelRegistry>> Open(const std::string& data_dir, const std::string& model_root);

  // The absolute path with links resolved.
  const std::string& root() const { return root_; }

  // Checks the bundle in the directory `path` (see FindBundle), including every digest, and registers it. Errors: those of
  // FindBundle and ReadBundle; AlreadyExists/MODEL_EXISTS; InvalidArgument/LIMIT_EXCEEDED if a name has no version left;
  // FailedPrecondition with kRefuse.
  absl::StatusOr<Registration> Register(const std::string& path, IfDeleted if_deleted = IfDeleted::kRegister);

  // Returns true if a directory, relative to the root, is registered or its model was deleted.
  bool IsKnown(const std::string& path) const;

  absl::StatusOr<ModelInfo> Find(absl::string_view name) const;

  // Returns the model with the directory of its bundle, if it still exists. Errors: those of FindBundle.
  absl::StatusOr<ModelBundle> Resolve(absl::string_view name) const;

  // Returns the models by name and version. If `name` is not empty, returns only those called `name`. Errors:
  // InvalidArgument/INVALID_MODEL_NAME, field "name".
  absl::StatusOr<std::vector<ModelInfo>> List(absl::string_view name = "") const;

  // Returns the record that was removed. Errors: FailedPrecondition/MODEL_HAS_ALIAS.
  absl::StatusOr<ModelInfo> Delete(absl::string_view name);

  // Points the alias of a name ("champion") to `model` ("shoes/3"). Errors: InvalidArgument/INVALID_ALIAS, field "alias".
  absl::StatusOr<ModelInfo> SetAlias(absl::string_view alias, absl::string_view model);

  // Removes an alias of a name ("shoes"). A missing alias is no error. Errors: those of SetAlias, with field "name" for the
  // name.
  absl::Status RemoveAlias(absl::string_view alias, absl::string_view name);

 private:
  using State = std::shared_ptr<const storage::v1::ModelRegister>;

  ModelRegistry(std::string path, std::string root, storage::v1::ModelRegister models);

  absl::StatusOr<Registration> Add(const BundlePlace& place, const storage::v1::BundleManifest& manifest, IfDeleted if_deleted);
  // Never waits for the disk.
  State Current() const;
  // Writes the new state, which becomes the current one when it is durable.
  absl::Status Commit(storage::v1::ModelRegister next) SEMBLANCE_REQUIRES(change_mutex_);

  const std::string path_;
  const std::string root_;
  // Held from reading the state to Commit, so that changes come one at a time. Taken before mutex_.
  Mutex change_mutex_;
  mutable Mutex mutex_;
  State current_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_REGISTRY_H_
