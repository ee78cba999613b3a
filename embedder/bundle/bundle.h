// Model bundles on disk. A bundle is a directory with manifest.json (semblance.storage.v1.BundleManifest), model.safetensors,
// proxies.safetensors (unless manifest.without_proxies) and, for a TorchScript backbone, backbone.pt. It is immutable once written.
// docs/bundle_format.md describes the format with a worked example.
//
// Thread-safe: functions without state. Bundle is a value.
//
// Reading checks everything: the manifest parses and has a known version; listed names stay within the directory; no file is a
// link; size and SHA-256 of every file match; the embedding_space_id is that of the content; and the proxies have shape [k classes,
// dimension], or any number of rows when they are shared or dynamic.
//
// Errors: NotFound (no manifest, so this is no bundle, or one that is still being copied); FailedPrecondition or DataLoss with
// reason MANIFEST_INVALID or DIGEST_MISMATCH, and with the file and the expected value in the message.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_BUNDLE_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_BUNDLE_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "embedder/bundle/safetensors.h"
#include "semblance/storage/v1/bundle.pb.h"

namespace semblance::embedder {

inline constexpr char kBundleManifestFile[] = "manifest.json";
inline constexpr char kBundleModelFile[] = "model.safetensors";
inline constexpr char kBundleProxiesFile[] = "proxies.safetensors";
inline constexpr char kBundleBackboneFile[] = "backbone.pt";

struct Bundle {
  storage::v1::BundleManifest manifest;
  // Parameters and buffers of the network, by name.
  TensorMap model;
  // "proxies": F32 [proxies, dimension], rows of unit length. Each class has k rows, which are next to each other. When classes
  // share proxies, "class_proxies", I64 [class count], has the row of each class. Dynamic proxies belong to no class. The map is
  // empty if and only if manifest.without_proxies.
  TensorMap proxies;
  // The bytes of backbone.pt, which is a program with its tensors; they are not examined here. Empty unless
  // architecture.torch_script.
  std::string backbone;
  // Other files by plain name, for people, such as a report or a picture. They are not part of the embedding space.
  std::map<std::string, std::string> documents;
};

// Reads only the manifest, and checks its version and ranges. Does not read the tensors.
absl::StatusOr<storage::v1::BundleManifest> ReadBundleManifest(const std::string& directory);

absl::StatusOr<Bundle> ReadBundle(const std::string& directory);

// Writes the bundle to `directory`, which must not exist. Writes to a temporary directory first and then renames it, durably. Fills
// in format_version, embedding_space_id and files of the manifest; the caller sets the other fields. Errors: AlreadyExists;
// InvalidArgument for a manifest out of range; I/O errors.
absl::Status WriteBundle(const std::string& directory, const Bundle& bundle);

// Checks a bundle and copies it to `directory`, which must not exist, in the same way as WriteBundle.
absl::Status CopyBundle(const std::string& from, const std::string& directory);

// Returns the digest that names the embedding space. It covers weights, architecture, preprocessing, dimension and normalization.
// REQUIRES: for architecture.torch_script, files of the manifest lists backbone.pt.
std::string ComputeEmbeddingSpaceId(const storage::v1::BundleManifest& manifest, const TensorMap& model);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_BUNDLE_H_
