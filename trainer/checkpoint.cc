#include "trainer/checkpoint.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance::trainer {
namespace {

constexpr int kFormatVersion = 1;
constexpr char kManifestFile[] = "manifest.json";
constexpr char kPrefix[] = "step_";
constexpr char kAside[] = ".tmp";

std::string NameOf(int64_t steps) {
  return absl::StrFormat("%s%09d", kPrefix, steps);
}

bool IsComplete(absl::string_view name) {
  int64_t steps = 0;
  return absl::ConsumePrefix(&name, kPrefix) && absl::SimpleAtoi(name, &steps);
}

// Returns the names in ascending order of the steps, because the numbers are padded.
absl::StatusOr<std::vector<std::string>> CompleteNames(const std::string& directory) {
  std::vector<std::string> names;
  if (!PathExists(directory)) {
    return names;
  }
  SEMBLANCE_ASSIGN_OR_RETURN(names, ListDirectory(directory));
  names.erase(std::remove_if(names.begin(), names.end(), [](const std::string& name) { return !IsComplete(name); }), names.end());
  std::sort(names.begin(), names.end(),
            [](const std::string& a, const std::string& b) { return std::make_pair(a.size(), a) < std::make_pair(b.size(), b); });
  return names;
}

absl::StatusOr<Checkpoint> Read(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string json, ReadFile(absl::StrCat(path, "/", kManifestFile)));
  Checkpoint checkpoint;
  google::protobuf::util::JsonParseOptions lenient;
  lenient.ignore_unknown_fields = true;  // Unknown fields are those of a newer version, which is refused below.
  if (const auto status = google::protobuf::util::JsonStringToMessage(json, &checkpoint.manifest, lenient); !status.ok()) {
    return absl::DataLossError(absl::StrCat(kManifestFile, ": ", std::string(status.message())));
  }
  if (checkpoint.manifest.format_version() != kFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("it has the format version ", checkpoint.manifest.format_version(), "; this program reads ", kFormatVersion));
  }
  for (const storage::v1::BundleFile& file : checkpoint.manifest.files()) {
    SEMBLANCE_ASSIGN_OR_RETURN(std::string content, ReadFile(absl::StrCat(path, "/", file.name())));
    if (static_cast<int64_t>(content.size()) != file.size_bytes() || Sha256Hex(content) != file.sha256()) {
      return absl::DataLossError(absl::StrCat(file.name(), " is not what the manifest says"));
    }
    checkpoint.files.emplace(file.name(), std::move(content));
  }
  return checkpoint;
}

}  // namespace

absl::Status CheckpointStore::Write(Checkpoint checkpoint) const {
  const std::string name = NameOf(checkpoint.manifest.progress().steps());
  const std::string path = absl::StrCat(directory_, "/", name);
  const std::string aside = absl::StrCat(path, kAside);
  SEMBLANCE_RETURN_IF_ERROR(semblance::RemoveAll(aside));
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(aside));
  checkpoint.manifest.set_format_version(kFormatVersion);
  checkpoint.manifest.clear_files();
  for (const auto& [file_name, content] : checkpoint.files) {
    SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(aside, "/", file_name), content));
    storage::v1::BundleFile* file = checkpoint.manifest.add_files();
    file->set_name(file_name);
    file->set_size_bytes(static_cast<int64_t>(content.size()));
    file->set_sha256(Sha256Hex(content));
  }
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(checkpoint.manifest, &json);
  CHECK(status.ok()) << std::string(status.message());
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(aside, "/", kManifestFile), json));
  SEMBLANCE_RETURN_IF_ERROR(semblance::RemoveAll(path));
  SEMBLANCE_RETURN_IF_ERROR(RenameDurably(aside, path));
  SEMBLANCE_ASSIGN_OR_RETURN(std::vector<std::string> names, CompleteNames(directory_));
  for (size_t i = 0; i + static_cast<size_t>(keep_) < names.size(); ++i) {
    SEMBLANCE_RETURN_IF_ERROR(semblance::RemoveAll(absl::StrCat(directory_, "/", names[i])));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(names, ListDirectory(directory_));
  for (const std::string& one : names) {
    if (absl::EndsWith(one, kAside)) {
      SEMBLANCE_RETURN_IF_ERROR(semblance::RemoveAll(absl::StrCat(directory_, "/", one)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Checkpoint>> CheckpointStore::ReadNewest() const {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, CompleteNames(directory_));
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const std::string path = absl::StrCat(directory_, "/", *name);
    absl::StatusOr<Checkpoint> checkpoint = Read(path);
    if (checkpoint.ok()) {
      return std::optional<Checkpoint>(*std::move(checkpoint));
    }
    if (absl::IsFailedPrecondition(checkpoint.status())) {
      return absl::FailedPreconditionError(absl::StrCat("checkpoint ", path, ": ", checkpoint.status().message()));
    }
    LOG(WARNING) << "checkpoint " << path << " is passed over: " << checkpoint.status();
  }
  return std::nullopt;
}

absl::Status CheckpointStore::RemoveAll() const {
  return semblance::RemoveAll(directory_);
}

}  // namespace semblance::trainer
