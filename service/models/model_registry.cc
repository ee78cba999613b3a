#include "service/models/model_registry.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json_proto.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "common/text_proto.h"
#include "embedder/bundle/bundle.h"
#include "embedder/bundle/manifest.h"
#include "service/models/model_name.h"

namespace semblance::service {
namespace {

using ::semblance::storage::v1::BundleManifest;
using ::semblance::storage::v1::ModelRecord;
using ::semblance::storage::v1::ModelRegister;

absl::Status CheckAlias(absl::string_view alias) {
  return IsModelAlias(alias) ? absl::OkStatus()
                             : InvalidField("alias", v1::ERROR_REASON_INVALID_ALIAS,
                                            absl::StrCat("\"", alias, "\" is no alias; there are champion and candidate"));
}

absl::Status CheckName(absl::string_view name) {
  return embedder::IsModelName(name)
             ? absl::OkStatus()
             : InvalidField("name", v1::ERROR_REASON_INVALID_MODEL_NAME, absl::StrCat("\"", name, "\" is no name of a model"));
}

// Reads and checks the whole bundle, but does not keep its tensors.
absl::StatusOr<BundleManifest> VerifyBundle(const BundlePlace& place) {
  if (!IsUtf8(place.path)) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MANIFEST_INVALID,
                 "the name of the bundle's directory is not UTF-8");
  }
  absl::StatusOr<embedder::Bundle> bundle = embedder::ReadBundle(place.directory);
  if (absl::IsNotFound(bundle.status())) {  // The directory existed a moment ago.
    return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_BUNDLE_NOT_FOUND, bundle.status().message());
  }
  SEMBLANCE_RETURN_IF_ERROR(bundle.status());
  return std::move(bundle->manifest);
}

absl::Status CheckSameContent(const ModelRecord& existing, const BundlePlace& place, const BundleManifest& manifest) {
  if (existing.name() == manifest.name() && existing.embedding_space_id() == manifest.embedding_space_id()) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_MODEL_EXISTS,
               absl::StrCat(FullModelName(existing.name(), existing.version()), " is registered with the embedding space ",
                            existing.embedding_space_id(), "; ", place.path, " holds ", manifest.name(), " with ",
                            manifest.embedding_space_id()));
}

absl::StatusOr<int> VersionAfter(const std::string& name, int last) {
  if (last == std::numeric_limits<int>::max()) {
    return InvalidField("path", v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat(FullModelName(name, last), " has the last version that there can be"));
  }
  return last + 1;
}

ModelRecord RecordOf(const BundlePlace& place, const BundleManifest& manifest, int version) {
  ModelRecord record;
  record.set_name(manifest.name());
  record.set_version(version);
  record.set_path(place.path);
  record.set_embedding_space_id(manifest.embedding_space_id());
  record.set_dimension(manifest.dimension());
  record.set_create_time(manifest.create_time());
  record.set_register_time(absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone()));
  return record;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelRegistry>> ModelRegistry::Open(const std::string& data_dir, const std::string& model_root) {
  SEMBLANCE_ASSIGN_OR_RETURN(std::string root, ResolveModelRoot(model_root));
  std::string path = absl::StrCat(data_dir, "/models.json");
  ModelRegister models;
  models.set_format_version(kModelRegisterVersion);
  if (PathExists(path)) {
    SEMBLANCE_RETURN_IF_ERROR(ReadJsonProto(path, &models));
    if (const std::string fault = FaultOf(models); !fault.empty()) {
      return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_MANIFEST_INVALID, absl::StrCat(path, ": ", fault));
    }
    SortModels(models);
  }
  return std::unique_ptr<ModelRegistry>(new ModelRegistry(std::move(path), std::move(root), std::move(models)));
}

ModelRegistry::ModelRegistry(std::string path, std::string root, ModelRegister models)
    : path_(std::move(path)), root_(std::move(root)), current_(std::make_shared<const ModelRegister>(std::move(models))) {}

absl::StatusOr<Registration> ModelRegistry::Register(const std::string& path, IfDeleted if_deleted) {
  SEMBLANCE_ASSIGN_OR_RETURN(const BundlePlace place, FindBundle(root_, path));
  SEMBLANCE_ASSIGN_OR_RETURN(const BundleManifest manifest, VerifyBundle(place));
  return Add(place, manifest, if_deleted);
}

absl::StatusOr<Registration> ModelRegistry::Add(const BundlePlace& place, const BundleManifest& manifest, IfDeleted if_deleted) {
  const std::string& name = manifest.name();
  std::optional<int> version = VersionOfPath(place.path, name);
  const MutexLock lock(&change_mutex_);
  const State now = Current();
  const ModelRecord* existing = FindByPath(*now, place.path);
  if (existing == nullptr && version.has_value()) {
    existing = FindVersion(*now, name, *version);
  }
  if (existing != nullptr) {
    SEMBLANCE_RETURN_IF_ERROR(CheckSameContent(*existing, place, manifest));
    return Registration{.model = InfoOf(*now, *existing), .created = false};
  }
  if (if_deleted == IfDeleted::kRefuse && IsIgnored(*now, place.path)) {
    return absl::FailedPreconditionError(absl::StrCat("the model in ", place.path, " was deleted"));
  }
  if (!version.has_value()) {
    // The version is greater than those of the directories too, because each of them keeps its version until it is registered.
    const int last = std::max(LastVersionOf(*now, name), GreatestVersionDirectory(root_, name));
    SEMBLANCE_ASSIGN_OR_RETURN(version, VersionAfter(name, last));
  }
  const ModelRecord record = RecordOf(place, manifest, *version);
  ModelRegister next = *now;
  AddModel(next, record);
  const ModelInfo info = InfoOf(next, record);
  SEMBLANCE_RETURN_IF_ERROR(Commit(std::move(next)));
  LOG(INFO) << "registered " << FullModelName(name, *version) << " in " << place.path;
  return Registration{.model = info, .created = true};
}

bool ModelRegistry::IsKnown(const std::string& path) const {
  const State now = Current();
  return FindByPath(*now, path) != nullptr || IsIgnored(*now, path);
}

absl::StatusOr<ModelInfo> ModelRegistry::Find(absl::string_view name) const {
  const State now = Current();
  SEMBLANCE_ASSIGN_OR_RETURN(const ModelRecord* record, FindModel(*now, name));
  return InfoOf(*now, *record);
}

absl::StatusOr<ModelBundle> ModelRegistry::Resolve(absl::string_view name) const {
  SEMBLANCE_ASSIGN_OR_RETURN(ModelInfo model, Find(name));
  SEMBLANCE_ASSIGN_OR_RETURN(BundlePlace place, FindBundle(root_, model.path));
  return ModelBundle{.model = std::move(model), .bundle_dir = std::move(place.directory)};
}

absl::StatusOr<std::vector<ModelInfo>> ModelRegistry::List(absl::string_view name) const {
  if (!name.empty()) {
    SEMBLANCE_RETURN_IF_ERROR(CheckName(name));
  }
  const State now = Current();
  std::vector<ModelInfo> models;
  for (const ModelRecord& record : now->models()) {
    if (name.empty() || record.name() == name) {
      models.push_back(InfoOf(*now, record));
    }
  }
  return models;
}

absl::StatusOr<ModelInfo> ModelRegistry::Delete(absl::string_view name) {
  const MutexLock lock(&change_mutex_);
  const State now = Current();
  SEMBLANCE_ASSIGN_OR_RETURN(const ModelRecord* record, FindModel(*now, name));
  ModelInfo info = InfoOf(*now, *record);
  const std::string full_name = FullModelName(info.name, info.version);
  if (!info.aliases.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MODEL_HAS_ALIAS,
                 absl::StrCat(full_name, " is the ", info.aliases.front(), "; move or remove the alias first"));
  }
  ModelRegister next = *now;
  RemoveModel(next, info.path);
  next.add_ignored_paths(info.path);
  SEMBLANCE_RETURN_IF_ERROR(Commit(std::move(next)));
  LOG(INFO) << "deleted " << full_name << "; its files stay in " << info.path;
  return info;
}

absl::StatusOr<ModelInfo> ModelRegistry::SetAlias(absl::string_view alias, absl::string_view model) {
  SEMBLANCE_RETURN_IF_ERROR(CheckAlias(alias));
  const MutexLock lock(&change_mutex_);
  const State now = Current();
  SEMBLANCE_ASSIGN_OR_RETURN(const ModelRecord* record, FindModel(*now, model));
  ModelRegister next = *now;
  SetModelAlias(next, *record, alias);
  ModelInfo info = InfoOf(next, *record);
  SEMBLANCE_RETURN_IF_ERROR(Commit(std::move(next)));
  LOG(INFO) << FullModelName(info.name, info.version) << " is the " << alias;
  return info;
}

absl::Status ModelRegistry::RemoveAlias(absl::string_view alias, absl::string_view name) {
  SEMBLANCE_RETURN_IF_ERROR(CheckAlias(alias));
  SEMBLANCE_RETURN_IF_ERROR(CheckName(name));
  const MutexLock lock(&change_mutex_);
  const State now = Current();
  SEMBLANCE_RETURN_IF_ERROR(FindModel(*now, name).status());
  ModelRegister next = *now;
  RemoveModelAlias(next, name, alias);
  SEMBLANCE_RETURN_IF_ERROR(Commit(std::move(next)));
  LOG(INFO) << name << " has no " << alias;
  return absl::OkStatus();
}

ModelRegistry::State ModelRegistry::Current() const {
  const MutexLock lock(&mutex_);
  return current_;
}

absl::Status ModelRegistry::Commit(ModelRegister next) {
  SEMBLANCE_RETURN_IF_ERROR(WriteJsonProto(path_, next));
  const MutexLock lock(&mutex_);
  current_ = std::make_shared<const ModelRegister>(std::move(next));
  return absl::OkStatus();
}

}  // namespace semblance::service
