#include "embedder/bundle/bundle.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "embedder/bundle/manifest.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::BundleFile;
using ::semblance::storage::v1::BundleManifest;

// The files of a bundle by name, without the manifest.
using FileContents = std::map<std::string, std::string>;

constexpr char kProxiesTensor[] = "proxies";
constexpr char kClassProxiesTensor[] = "class_proxies";
constexpr int64_t kMaxManifestBytes = int64_t{64} << 20;
// Proxies have unit length, up to the rounding of float32 and of the device that trained them.
constexpr double kUnitTolerance = 1e-3;

absl::Status InvalidManifest(absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MANIFEST_INVALID, message);
}

absl::Status Damaged(absl::string_view message) {
  return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_DIGEST_MISMATCH, message);
}

// Reads a file that lies in the bundle itself: links and devices are refused. Checks `max_bytes` before reading.
absl::StatusOr<std::string> ReadPlainFile(const std::string& directory, const std::string& name, int64_t max_bytes) {
  const std::string path = absl::StrCat(directory, "/", name);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    return ErrnoError(errno, absl::StrCat("cannot read ", path));
  }
  if (!S_ISREG(info.st_mode)) {
    return InvalidManifest(absl::StrCat(path, " is a link or no regular file"));
  }
  if (info.st_size > max_bytes) {
    return Damaged(absl::StrCat(path, " has ", info.st_size, " bytes; expected at most ", max_bytes));
  }
  return ReadFile(path);
}

absl::Status ParseJson(const std::string& json, bool ignore_unknown_fields, BundleManifest* manifest) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = ignore_unknown_fields;
  manifest->Clear();
  const auto status = google::protobuf::util::JsonStringToMessage(json, manifest, options);
  return status.ok() ? absl::OkStatus() : InvalidManifest(absl::StrCat("the JSON does not fit: ", status.message().ToString()));
}

absl::StatusOr<BundleManifest> ParseManifest(const std::string& json) {
  BundleManifest manifest;
  // The version is checked first, because only its version explains unknown fields of a newer manifest.
  SEMBLANCE_RETURN_IF_ERROR(ParseJson(json, /*ignore_unknown_fields=*/true, &manifest));
  if (manifest.format_version() != kBundleFormatVersion) {
    return InvalidManifest(
        absl::StrCat("format_version is ", manifest.format_version(), "; this program reads ", kBundleFormatVersion));
  }
  SEMBLANCE_RETURN_IF_ERROR(ParseJson(json, /*ignore_unknown_fields=*/false, &manifest));
  return manifest;
}

absl::StatusOr<std::string> ToJson(const BundleManifest& manifest) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(manifest, &json, options);
  // Text that is not UTF-8 can be printed, but parsing it gives other text.
  BundleManifest back;
  if (!status.ok() || !ParseJson(json, /*ignore_unknown_fields=*/false, &back).ok() ||
      !google::protobuf::util::MessageDifferencer::Equals(back, manifest)) {
    return InvalidField("manifest", v1::ERROR_REASON_MANIFEST_INVALID,
                        "the manifest has text that is not UTF-8, or a number that is NaN");
  }
  return json;
}

absl::Status ValidateFiles(const BundleManifest& manifest) {
  std::set<std::string> names;
  for (const BundleFile& file : manifest.files()) {
    const std::string& name = file.name();
    if (name.empty() || name == "." || name == ".." || absl::StrContains(name, '/') || absl::StrContains(name, '\0')) {
      return InvalidManifest(absl::StrCat("files names \"", name, "\", which is no plain file name"));
    }
    if (name == kBundleManifestFile || !names.insert(name).second) {
      return InvalidManifest(absl::StrCat("files names ", name, " twice, or the manifest itself"));
    }
  }
  if (manifest.without_proxies() && names.count(kBundleProxiesFile) != 0) {
    return InvalidManifest(absl::StrCat("without_proxies is set, and files names ", kBundleProxiesFile));
  }
  std::vector<const char*> required_names = {kBundleModelFile};
  if (!manifest.without_proxies()) {
    required_names.push_back(kBundleProxiesFile);
  }
  if (manifest.architecture().has_torch_script()) {
    required_names.push_back(kBundleBackboneFile);
  }
  for (const char* required : required_names) {
    if (names.count(required) == 0) {
      return InvalidManifest(absl::StrCat("files does not name ", required));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<BundleManifest> CheckedManifest(const std::string& json) {
  SEMBLANCE_ASSIGN_OR_RETURN(BundleManifest manifest, ParseManifest(json));
  SEMBLANCE_RETURN_IF_ERROR(ValidateFiles(manifest));
  const absl::Status status = ValidateManifest(manifest);
  // InvalidArgument would mean that the caller is wrong. Here the file is wrong.
  return status.ok() ? absl::StatusOr<BundleManifest>(std::move(manifest)) : InvalidManifest(status.message());
}

absl::StatusOr<std::string> ReadListedFile(const std::string& directory, const BundleFile& file) {
  absl::StatusOr<std::string> content = ReadPlainFile(directory, file.name(), file.size_bytes());
  if (absl::IsNotFound(content.status())) {
    return Damaged(absl::StrCat(directory, "/", file.name(), " is missing; expected ", file.size_bytes(), " bytes"));
  }
  SEMBLANCE_RETURN_IF_ERROR(content.status());
  if (static_cast<int64_t>(content->size()) != file.size_bytes()) {
    return Damaged(absl::StrCat(directory, "/", file.name(), " has ", content->size(), " bytes; expected ", file.size_bytes()));
  }
  const std::string digest = Sha256Hex(*content);
  if (digest != file.sha256()) {
    return Damaged(absl::StrCat(directory, "/", file.name(), " has sha256 ", digest, "; expected ", file.sha256()));
  }
  return content;
}

absl::StatusOr<FileContents> ReadListedFiles(const std::string& directory, const BundleManifest& manifest) {
  FileContents contents;
  for (const BundleFile& file : manifest.files()) {
    SEMBLANCE_ASSIGN_OR_RETURN(contents[file.name()], ReadListedFile(directory, file));
  }
  return contents;
}

absl::Status CheckUnitLength(const HostTensor& proxies, int64_t dimension) {
  const auto* values = proxies.data.data();
  for (int64_t row = 0; row < proxies.shape[0]; ++row) {
    double sum = 0;
    for (int64_t i = 0; i < dimension; ++i, values += sizeof(float)) {
      float value = 0;
      std::memcpy(&value, values, sizeof(value));
      sum += double{value} * value;
    }
    if (!(std::abs(std::sqrt(sum) - 1) <= kUnitTolerance)) {  // The comparison is negated, so that NaN fails too.
      return InvalidManifest(absl::StrCat("proxy ", row, " has length ", std::sqrt(sum), ", not 1"));
    }
  }
  return absl::OkStatus();
}

// Checks "class_proxies", which has a row of the proxies for each class.
absl::Status CheckClassProxies(const HostTensor& rows, int64_t classes, int64_t proxies) {
  if (rows.dtype != "I64" || rows.shape != std::vector<int64_t>{classes}) {
    return InvalidManifest(absl::StrCat("class_proxies are ", rows.dtype, "[", absl::StrJoin(rows.shape, ", "), "]; expected I64[",
                                        classes, "]: a row for each class"));
  }
  for (int64_t i = 0; i < classes; ++i) {
    int64_t row = 0;
    std::memcpy(&row, rows.data.data() + i * static_cast<int64_t>(sizeof(row)), sizeof(row));
    if (row < 0 || row >= proxies) {
      return InvalidManifest(absl::StrCat("class ", i, " has the proxy ", row, " of ", proxies));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckProxies(const BundleManifest& manifest, const TensorMap& proxies) {
  if (manifest.without_proxies()) {
    return proxies.empty() ? absl::OkStatus() : InvalidManifest("without_proxies is set, and there are proxies");
  }
  const auto found = proxies.find(kProxiesTensor);
  const auto shared = proxies.find(kClassProxiesTensor);
  if (found == proxies.end() || proxies.size() != (shared == proxies.end() ? 1 : 2)) {
    return InvalidManifest(absl::StrCat(
        kBundleProxiesFile, " must hold the tensor \"proxies\", \"class_proxies\" where some are shared, and no other"));
  }
  const bool is_any_number = manifest.dynamic_proxies() || shared != proxies.end();
  if (manifest.dynamic_proxies() && shared != proxies.end()) {
    return InvalidManifest("there are class_proxies, and the proxies are dynamic: of no class");
  }
  const int64_t classes = manifest.classes_size();
  const HostTensor& tensor = found->second;
  const bool fits = tensor.dtype == "F32" && tensor.shape.size() == 2 && tensor.shape[1] == manifest.dimension() &&
                    tensor.shape[0] > 0 && (is_any_number || (classes > 0 && tensor.shape[0] % classes == 0));
  if (!fits) {
    return InvalidManifest(absl::StrCat("the proxies are ", tensor.dtype, "[", absl::StrJoin(tensor.shape, ", "),
                                        "]; expected F32[", is_any_number ? "any number" : absl::StrCat("k times ", classes), ", ",
                                        manifest.dimension(),
                                        "]: k for each class, or any number where they are shared or dynamic, by dimension"));
  }
  if (shared != proxies.end()) {
    SEMBLANCE_RETURN_IF_ERROR(CheckClassProxies(shared->second, classes, tensor.shape[0]));
  }
  return CheckUnitLength(tensor, manifest.dimension());
}

absl::StatusOr<Bundle> Assemble(BundleManifest manifest, const FileContents& contents) {
  Bundle bundle;
  SEMBLANCE_ASSIGN_OR_RETURN(bundle.model, ParseSafetensors(contents.at(kBundleModelFile), kBundleModelFile));
  if (!manifest.without_proxies()) {
    SEMBLANCE_ASSIGN_OR_RETURN(bundle.proxies, ParseSafetensors(contents.at(kBundleProxiesFile), kBundleProxiesFile));
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckProxies(manifest, bundle.proxies));
  const std::string space = ComputeEmbeddingSpaceId(manifest, bundle.model);
  if (space != manifest.embedding_space_id()) {
    return Damaged(absl::StrCat("embedding_space_id is \"", manifest.embedding_space_id(), "\"; the content gives ", space));
  }
  if (manifest.architecture().has_torch_script()) {
    bundle.backbone = contents.at(kBundleBackboneFile);
  }
  for (const auto& [name, content] : contents) {
    if (name != kBundleModelFile && name != kBundleProxiesFile && name != kBundleBackboneFile) {
      bundle.documents.emplace(name, content);
    }
  }
  bundle.manifest = std::move(manifest);
  return bundle;
}

// Reads the manifest and the listed files, and checks them against each other.
struct RawBundle {
  std::string manifest_json;
  BundleManifest manifest;
  FileContents contents;
};

absl::StatusOr<std::string> ReadManifestJson(const std::string& directory) {
  return ReadPlainFile(directory, kBundleManifestFile, kMaxManifestBytes);
}

absl::StatusOr<RawBundle> ReadRaw(const std::string& directory) {
  RawBundle raw;
  SEMBLANCE_ASSIGN_OR_RETURN(raw.manifest_json, ReadManifestJson(directory));
  SEMBLANCE_ASSIGN_OR_RETURN(raw.manifest, CheckedManifest(raw.manifest_json));
  SEMBLANCE_ASSIGN_OR_RETURN(raw.contents, ReadListedFiles(directory, raw.manifest));
  return raw;
}

absl::Status WriteRaw(std::string directory, const FileContents& contents, const std::string& manifest_json) {
  while (directory.size() > 1 && directory.back() == '/') {
    directory.pop_back();
  }
  if (PathExists(directory)) {
    return absl::AlreadyExistsError(absl::StrCat(directory, " exists; a bundle is never overwritten"));
  }
  const std::string aside = absl::StrCat(directory, ".tmp.", ::getpid());
  const absl::Cleanup clean_up = [&aside] { RemoveAll(aside).IgnoreError(); };  // After success there is nothing to remove.
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(aside));
  for (const auto& [name, content] : contents) {
    SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(aside, "/", name), content));
  }
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(aside, "/", kBundleManifestFile), manifest_json));
  return RenameDurably(aside, directory);
}

}  // namespace

absl::StatusOr<BundleManifest> ReadBundleManifest(const std::string& directory) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string json, ReadManifestJson(directory));
  absl::StatusOr<BundleManifest> manifest = CheckedManifest(json);
  return manifest.ok() ? manifest : WithContext(manifest.status(), absl::StrCat(directory, "/", kBundleManifestFile));
}

absl::StatusOr<Bundle> ReadBundle(const std::string& directory) {
  absl::StatusOr<RawBundle> raw = ReadRaw(directory);
  if (!raw.ok()) {
    return WithContext(raw.status(), absl::StrCat("bundle ", directory));
  }
  absl::StatusOr<Bundle> bundle = Assemble(std::move(raw->manifest), raw->contents);
  return bundle.ok() ? std::move(bundle) : WithContext(bundle.status(), absl::StrCat("bundle ", directory));
}

absl::Status WriteBundle(const std::string& directory, const Bundle& bundle) {
  SEMBLANCE_RETURN_IF_ERROR(ValidateManifest(bundle.manifest));
  if (const absl::Status status = CheckProxies(bundle.manifest, bundle.proxies); !status.ok()) {
    return InvalidField("proxies", v1::ERROR_REASON_MANIFEST_INVALID, status.message());
  }
  FileContents contents = {{kBundleModelFile, SerializeSafetensors(bundle.model)}};
  if (!bundle.manifest.without_proxies()) {
    contents.emplace(kBundleProxiesFile, SerializeSafetensors(bundle.proxies));
  }
  if (bundle.manifest.architecture().has_torch_script()) {
    contents.emplace(kBundleBackboneFile, bundle.backbone);
  }
  contents.insert(bundle.documents.begin(), bundle.documents.end());
  BundleManifest manifest = bundle.manifest;
  manifest.set_format_version(kBundleFormatVersion);
  manifest.clear_files();
  for (const auto& [name, content] : contents) {
    BundleFile* file = manifest.add_files();
    file->set_name(name);
    file->set_size_bytes(static_cast<int64_t>(content.size()));
    file->set_sha256(Sha256Hex(content));
  }
  manifest.set_embedding_space_id(ComputeEmbeddingSpaceId(manifest, bundle.model));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string json, ToJson(manifest));
  return WriteRaw(directory, contents, json);
}

absl::Status CopyBundle(const std::string& from, const std::string& directory) {
  SEMBLANCE_ASSIGN_OR_RETURN(RawBundle raw, ReadRaw(from));
  SEMBLANCE_RETURN_IF_ERROR(Assemble(raw.manifest, raw.contents).status());
  return WriteRaw(directory, raw.contents, raw.manifest_json);
}

}  // namespace semblance::embedder
