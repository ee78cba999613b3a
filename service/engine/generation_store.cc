#include "service/engine/generation_store.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "embedder/bundle.h"
#include "google/protobuf/util/json_util.h"

namespace semblance {
namespace {

constexpr int kFormatVersion = 1;
constexpr char kIdPrefix[] = "gen-";

absl::Status Invalid(const std::string& path, absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, "MANIFEST_INVALID", absl::StrCat(path, ": ", what));
}

template <typename Message>
absl::StatusOr<Message> ReadJson(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  if (!status.ok()) {
    return Invalid(path, status.ToString());
  }
  if (message.format_version() != kFormatVersion) {
    return Invalid(path, absl::StrCat("format_version is ", message.format_version(), "; this program reads ", kFormatVersion));
  }
  return message;
}

template <typename Message>
absl::Status WriteJson(const std::string& path, const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? WriteFileAtomically(path, json) : absl::InternalError(absl::StrCat(path, ": ", status.ToString()));
}

// The number in "gen-000012"; 0 for anything else.
int64_t NumberOf(absl::string_view id) {
  int64_t number = 0;
  return absl::ConsumePrefix(&id, kIdPrefix) && absl::SimpleAtoi(id, &number) ? number : 0;
}

}  // namespace

absl::StatusOr<GenerationStore> GenerationStore::Open(const std::string& data_dir) {
  GenerationStore store(data_dir);
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(store.GenerationsDir()));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListDirectory(store.GenerationsDir()));
  for (const std::string& id : ids) {
    if (!PathExists(store.ManifestPath(id))) {
      LOG(WARNING) << "removing " << id << ": its creation was interrupted";
      SEMBLANCE_RETURN_IF_ERROR(RemoveAll(absl::StrCat(store.GenerationsDir(), "/", id)));
    }
  }
  return store;
}

absl::StatusOr<std::vector<storage::v1::GenerationManifest>> GenerationStore::List() const {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListDirectory(GenerationsDir()));
  std::vector<storage::v1::GenerationManifest> manifests;
  for (const std::string& id : ids) {
    SEMBLANCE_ASSIGN_OR_RETURN(manifests.emplace_back(), ReadManifest(id));
  }
  return manifests;
}

absl::StatusOr<std::optional<storage::v1::GenerationManifest>> GenerationStore::FindBySpace(
    const std::string& embedding_space_id) const {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<storage::v1::GenerationManifest> manifests, List());
  const auto found = std::find_if(manifests.rbegin(), manifests.rend(), [&](const storage::v1::GenerationManifest& manifest) {
    return manifest.embedding_space_id() == embedding_space_id;
  });
  return found == manifests.rend() ? std::nullopt : std::optional(*found);
}

absl::StatusOr<storage::v1::GenerationManifest> GenerationStore::Create(const std::string& bundle_dir) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListDirectory(GenerationsDir()));
  int64_t last = 0;
  for (const std::string& id : ids) {
    last = std::max(last, NumberOf(id));
  }
  const std::string id = absl::StrFormat("%s%06d", kIdPrefix, last + 1);
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(absl::StrCat(GenerationsDir(), "/", id)));
  SEMBLANCE_RETURN_IF_ERROR(CopyBundle(bundle_dir, BundleDir(id)));
  // Of the copy: the original may change at any moment.
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::BundleManifest bundle, ReadBundleManifest(BundleDir(id)));
  storage::v1::GenerationManifest manifest;
  manifest.set_format_version(kFormatVersion);
  manifest.set_id(id);
  manifest.set_model(bundle.name());
  manifest.set_embedding_space_id(bundle.embedding_space_id());
  manifest.set_dimension(bundle.dimension());
  manifest.set_create_time(absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone()));
  SEMBLANCE_RETURN_IF_ERROR(WriteJson(ManifestPath(id), manifest));
  SEMBLANCE_RETURN_IF_ERROR(SyncDirectory(GenerationsDir()));
  return manifest;
}

absl::StatusOr<std::optional<storage::v1::GenerationManifest>> GenerationStore::ReadActive() const {
  const std::string path = absl::StrCat(data_dir_, "/active.json");
  if (!PathExists(path)) {
    return std::optional<storage::v1::GenerationManifest>();
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const auto active, ReadJson<storage::v1::ActiveGeneration>(path));
  SEMBLANCE_ASSIGN_OR_RETURN(storage::v1::GenerationManifest manifest, ReadManifest(active.generation()));
  return std::optional(std::move(manifest));
}

absl::Status GenerationStore::WriteActive(const std::string& generation_id) {
  storage::v1::ActiveGeneration active;
  active.set_format_version(kFormatVersion);
  active.set_generation(generation_id);
  return WriteJson(absl::StrCat(data_dir_, "/active.json"), active);
}

std::string GenerationStore::BundleDir(const std::string& generation_id) const {
  return absl::StrCat(GenerationsDir(), "/", generation_id, "/bundle");
}

std::string GenerationStore::IndexDir(const std::string& generation_id) const {
  return absl::StrCat(GenerationsDir(), "/", generation_id, "/index");
}

std::string GenerationStore::GenerationsDir() const {
  return absl::StrCat(data_dir_, "/generations");
}

std::string GenerationStore::ManifestPath(const std::string& generation_id) const {
  return absl::StrCat(GenerationsDir(), "/", generation_id, "/manifest.json");
}

absl::StatusOr<storage::v1::GenerationManifest> GenerationStore::ReadManifest(const std::string& generation_id) const {
  const std::string path = ManifestPath(generation_id);
  SEMBLANCE_ASSIGN_OR_RETURN(auto manifest, ReadJson<storage::v1::GenerationManifest>(path));
  if (NumberOf(generation_id) == 0 || manifest.id() != generation_id) {
    return Invalid(path, absl::StrCat("id is \"", manifest.id(), "\" in the directory \"", generation_id, "\""));
  }
  return manifest;
}

}  // namespace semblance
