// The state of the register of models, as it is stored: looking things up in it and changing it, in memory.
//
// Thread-compatible: functions of their arguments alone. Models are kept sorted by name and version (SortModels).
#ifndef SEMBLANCE_SERVICE_MODELS_MODEL_RECORDS_H_
#define SEMBLANCE_SERVICE_MODELS_MODEL_RECORDS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "semblance/storage/v1/generation.pb.h"

namespace semblance::service {

inline constexpr int kModelRegisterVersion = 1;

// One version of a model.
struct ModelInfo {
  std::string name;
  int version = 0;
  // Relative to the model root.
  std::string path;
  std::string embedding_space_id;
  int dimension = 0;
  // Sorted.
  std::vector<std::string> aliases;
  // When the bundle was made; nullopt where it does not say.
  std::optional<absl::Time> create_time;
  absl::Time register_time;
};

// "shoes/3".
std::string FullModelName(absl::string_view name, int version);

// What is wrong with a register that was read from a file; empty: nothing.
std::string FaultOf(const storage::v1::ModelRegister& models);

void SortModels(storage::v1::ModelRegister& models);

// Null where there is none.
const storage::v1::ModelRecord* FindByPath(const storage::v1::ModelRegister& models, const std::string& path);
const storage::v1::ModelRecord* FindVersion(const storage::v1::ModelRegister& models, const std::string& name, int version);

// By any of the ways to name one (model_name.h). Errors: InvalidArgument/INVALID_MODEL_NAME, field "model";
// NotFound/MODEL_NOT_FOUND.
absl::StatusOr<const storage::v1::ModelRecord*> FindModel(const storage::v1::ModelRegister& models, absl::string_view text);

// With its aliases.
ModelInfo InfoOf(const storage::v1::ModelRegister& models, const storage::v1::ModelRecord& record);

bool IsIgnored(const storage::v1::ModelRegister& models, const std::string& path);

// The greatest version that a name has or had; 0 for a new name.
int LastVersionOf(const storage::v1::ModelRegister& models, const std::string& name);

// Adds a record in its place; its directory is ignored no more. REQUIRES: neither its version nor its path is registered.
void AddModel(storage::v1::ModelRegister& models, const storage::v1::ModelRecord& record);

// In place of what the alias pointed to.
void SetModelAlias(storage::v1::ModelRegister& models, const storage::v1::ModelRecord& record, absl::string_view alias);

// What they remove need not be there.
void RemoveModel(storage::v1::ModelRegister& models, const std::string& path);
void RemoveModelAlias(storage::v1::ModelRegister& models, absl::string_view name, absl::string_view alias);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_RECORDS_H_
