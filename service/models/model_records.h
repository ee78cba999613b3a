// Reads and changes the stored state of the register of models, in memory.
//
// Thread-compatible: the functions use only their arguments. Models are kept sorted by name and version (SortModels).
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
  // The path relative to the model root.
  std::string path;
  std::string embedding_space_id;
  int dimension = 0;
  // The aliases, sorted.
  std::vector<std::string> aliases;
  // The time at which the bundle was made. nullopt if the bundle does not contain it.
  std::optional<absl::Time> create_time;
  absl::Time register_time;
};

// Returns a text such as "shoes/3".
std::string FullModelName(absl::string_view name, int version);

// Describes the first error in a register that was read from a file. Empty if there is none.
std::string FaultOf(const storage::v1::ModelRegister& models);

void SortModels(storage::v1::ModelRegister& models);

// Returns null if there is none.
const storage::v1::ModelRecord* FindByPath(const storage::v1::ModelRegister& models, const std::string& path);
const storage::v1::ModelRecord* FindVersion(const storage::v1::ModelRegister& models, const std::string& name, int version);

// Finds a model by any name that model_name.h describes. Errors: InvalidArgument/INVALID_MODEL_NAME, field "model";
// NotFound/MODEL_NOT_FOUND.
absl::StatusOr<const storage::v1::ModelRecord*> FindModel(const storage::v1::ModelRegister& models, absl::string_view text);

// Returns the model with its aliases.
ModelInfo InfoOf(const storage::v1::ModelRegister& models, const storage::v1::ModelRecord& record);

bool IsIgnored(const storage::v1::ModelRegister& models, const std::string& path);

// Returns the greatest version that a name has or had, or 0 for a new name.
int LastVersionOf(const storage::v1::ModelRegister& models, const std::string& name);

// Inserts a record in sorted order. Its directory is no longer ignored. REQUIRES: neither its version nor its path is
// registered.
void AddModel(storage::v1::ModelRegister& models, const storage::v1::ModelRecord& record);

// Replaces the model that the alias pointed to.
void SetModelAlias(storage::v1::ModelRegister& models, const storage::v1::ModelRecord& record, absl::string_view alias);

// These accept a record that does not exist.
void RemoveModel(storage::v1::ModelRegister& models, const std::string& path);
void RemoveModelAlias(storage::v1::ModelRegister& models, absl::string_view name, absl::string_view alias);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_RECORDS_H_
