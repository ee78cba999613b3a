// Model bundles on disk: a directory with manifest.json (semblance.storage.v1.BundleManifest), model.safetensors,
// proxies.safetensors (unless manifest.without_proxies) and, for a TorchScript backbone, backbone.pt. Immutable once written;
// docs/bundle_format.md has the format and a worked example.
//
// Thread-safe: functions without state. Bundle is a value.
//
// Reading checks everything: that the manifest parses and its version is known, that no listed name leaves the directory, that no
// file is a link, size and sha256 of every file, that the embedding_space_id is the one of the content, and that the proxies have
// shape [k classes, dimension], or, shared or dynamic, any number of rows. Errors: NotFound (no manifest: not a bundle, or still
// being copied), and FailedPrecondition or DataLoss with reason MANIFEST_INVALID or DIGEST_MISMATCH, the file and what was
// expected.
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
  // The network's parameters and buffers by name.
  TensorMap model;
  // "proxies": F32 [proxies, dimension], unit length: k rows for each class, those of a class next to each other. Where classes
  // share proxies also "class_proxies": I64 [class count], the row of each class. Dynamic ones belong to no class. Empty if and
  // only if manifest.without_proxies.
  TensorMap proxies;
  // The bytes of backbone.pt, a program with its tensors; empty but for architecture.torch_script. Not looked into here.
  std::string backbone;
  // Other files by plain name, for people: a report, a picture. Part of no embedding space.
  std::map<std::string, std::string> documents;
};

// The manifest alone, parsed and checked for version and ranges, without reading the tensors.
absl::StatusOr<storage::v1::BundleManifest> ReadBundleManifest(const std::string& directory);

absl::StatusOr<Bundle> ReadBundle(const std::string& directory);

// Writes the bundle to `directory`, which must not exist: aside first, then renamed, durably. Fills in format_version,
// embedding_space_id, dimension's check and files of the manifest; the rest of it comes from the caller.
// Errors: AlreadyExists; InvalidArgument for a manifest out of range; I/O errors.
absl::Status WriteBundle(const std::string& directory, const Bundle& bundle);

// Copies a bundle, checked, to `directory`, which must not exist, aside first and then renamed, durably.
absl::Status CopyBundle(const std::string& from, const std::string& directory);

// The digest that names the embedding space: weights, architecture, preprocessing, dimension, normalisation. REQUIRES: for
// architecture.torch_script, files of the manifest lists backbone.pt.
std::string ComputeEmbeddingSpaceId(const storage::v1::BundleManifest& manifest, const TensorMap& model);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_BUNDLE_H_
