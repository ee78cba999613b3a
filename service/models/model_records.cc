#include "service/models/model_records.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "embedder/bundle/manifest.h"
#include "service/models/model_name.h"

namespace semblance::service {
namespace {

using ::semblance::storage::v1::ModelAlias;
using ::semblance::storage::v1::ModelCounter;
using ::semblance::storage::v1::ModelRecord;
using ::semblance::storage::v1::ModelRegister;

// This is the greatest version.
const ModelRecord* FindLatest(const ModelRegister& models, const std::string& name) {
  const auto found = std::find_if(models.models().rbegin(), models.models().rend(),
                                  [&](const ModelRecord& record) { return record.name() == name; });
  return found == models.models().rend() ? nullptr : &*found;
}

const ModelRecord* FindByAlias(const ModelRegister& models, const std::string& name, const std::string& alias) {
  const auto found = std::find_if(models.aliases().begin(), models.aliases().end(),
                                  [&](const ModelAlias& entry) { return entry.name() == name && entry.alias() == alias; });
  return found == models.aliases().end() ? nullptr : FindVersion(models, name, found->version());
}

bool IsPlainPath(const std::string& path) {
  const std::filesystem::path parsed(path);
  return !path.empty() && parsed.is_relative() && parsed.lexically_normal() == parsed && *parsed.begin() != ".." && path != ".";
}

template <typename Entries, typename Predicate>
void RemoveIf(Entries& entries, const Predicate& predicate) {
  entries.erase(std::remove_if(entries.begin(), entries.end(), predicate), entries.end());
}

}  // namespace

std::string FullModelName(absl::string_view name, int version) {
  return absl::StrCat(name, "/", version);
}

std::string FaultOf(const ModelRegister& models) {
  if (models.format_version() != kModelRegisterVersion) {
    return absl::StrCat("format_version is ", models.format_version(), "; this program reads ", kModelRegisterVersion);
  }
  std::set<std::pair<std::string, int>> versions;
  std::set<std::string> paths;
  for (const ModelRecord& record : models.models()) {
    const std::string name = FullModelName(record.name(), record.version());
    if (!embedder::IsModelName(record.name()) || record.version() < 1 || !IsPlainPath(record.path())) {
      return absl::StrCat("the model \"", name, "\" in \"", record.path(), "\" has no valid name, version or path");
    }
    if (!versions.emplace(record.name(), record.version()).second || !paths.insert(record.path()).second) {
      return absl::StrCat("the model ", name, " or its directory ", record.path(), " is there twice");
    }
  }
  std::set<std::pair<std::string, std::string>> aliases;
  for (const ModelAlias& alias : models.aliases()) {
    if (!IsModelAlias(alias.alias()) || versions.count({alias.name(), alias.version()}) == 0 ||
        !aliases.emplace(alias.name(), alias.alias()).second) {
      return absl::StrCat("the alias \"", alias.alias(), "\" of \"", FullModelName(alias.name(), alias.version()),
                          "\" is not valid, there twice, or of no model");
    }
  }
  return "";
}

void SortModels(ModelRegister& models) {
  std::sort(models.mutable_models()->begin(), models.mutable_models()->end(), [](const ModelRecord& a, const ModelRecord& b) {
    return std::forward_as_tuple(a.name(), a.version()) < std::forward_as_tuple(b.name(), b.version());
  });
}

const ModelRecord* FindByPath(const ModelRegister& models, const std::string& path) {
  const auto found = std::find_if(models.models().begin(), models.models().end(),
                                  [&](const ModelRecord& record) { return record.path() == path; });
  return found == models.models().end() ? nullptr : &*found;
}

const ModelRecord* FindVersion(const ModelRegister& models, const std::string& name, int version) {
  const auto found = std::find_if(models.models().begin(), models.models().end(),
                                  [&](const ModelRecord& record) { return record.name() == name && record.version() == version; });
  return found == models.models().end() ? nullptr : &*found;
}

absl::StatusOr<const ModelRecord*> FindModel(const ModelRegister& models, absl::string_view text) {
  SEMBLANCE_ASSIGN_OR_RETURN(const ModelName name, ParseModelName(text, "model"));
  const ModelRecord* found = name.version.has_value() ? FindVersion(models, name.name, *name.version)
                             : name.alias.empty()     ? FindLatest(models, name.name)
                                                      : FindByAlias(models, name.name, name.alias);
  if (found == nullptr) {
    return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_MODEL_NOT_FOUND, absl::StrCat("there is no model ", text));
  }
  return found;
}

ModelInfo InfoOf(const ModelRegister& models, const ModelRecord& record) {
  ModelInfo info;
  info.name = record.name();
  info.version = record.version();
  info.path = record.path();
  info.embedding_space_id = record.embedding_space_id();
  info.dimension = record.dimension();
  for (const ModelAlias& alias : models.aliases()) {
    if (alias.name() == record.name() && alias.version() == record.version()) {
      info.aliases.push_back(alias.alias());
    }
  }
  std::sort(info.aliases.begin(), info.aliases.end());
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, record.create_time(), &time, nullptr)) {
    info.create_time = time;
  }
  if (absl::ParseTime(absl::RFC3339_full, record.register_time(), &time, nullptr)) {
    info.register_time = time;
  }
  return info;
}

bool IsIgnored(const ModelRegister& models, const std::string& path) {
  return std::find(models.ignored_paths().begin(), models.ignored_paths().end(), path) != models.ignored_paths().end();
}

int LastVersionOf(const ModelRegister& models, const std::string& name) {
  const ModelRecord* latest = FindLatest(models, name);
  int last = latest == nullptr ? 0 : latest->version();
  for (const ModelCounter& counter : models.counters()) {
    if (counter.name() == name) {
      last = std::max(last, counter.last_version());
    }
  }
  return last;
}

void AddModel(ModelRegister& models, const ModelRecord& record) {
  const int last = std::max(LastVersionOf(models, record.name()), record.version());
  RemoveIf(*models.mutable_counters(), [&](const ModelCounter& counter) { return counter.name() == record.name(); });
  ModelCounter& counter = *models.add_counters();
  counter.set_name(record.name());
  counter.set_last_version(last);
  *models.add_models() = record;
  SortModels(models);
  RemoveIf(*models.mutable_ignored_paths(), [&](const std::string& ignored) { return ignored == record.path(); });
}

void RemoveModel(ModelRegister& models, const std::string& path) {
  RemoveIf(*models.mutable_models(), [&](const ModelRecord& record) { return record.path() == path; });
}

void SetModelAlias(ModelRegister& models, const ModelRecord& record, absl::string_view alias) {
  RemoveModelAlias(models, record.name(), alias);
  ModelAlias& entry = *models.add_aliases();
  entry.set_name(record.name());
  entry.set_alias(std::string(alias));
  entry.set_version(record.version());
}

void RemoveModelAlias(ModelRegister& models, absl::string_view name, absl::string_view alias) {
  RemoveIf(*models.mutable_aliases(), [&](const ModelAlias& entry) { return entry.name() == name && entry.alias() == alias; });
}

}  // namespace semblance::service
