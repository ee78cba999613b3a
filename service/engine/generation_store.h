// Generations on disk, and which of them is active.
//
//   DATA_DIR/active.json                     names the active generation; replaced atomically
//   DATA_DIR/generations/gen-000001/
//       manifest.json                        written last: a directory without it is a leftover
//       bundle/                              the model bundle, checked when it was copied and again when it is loaded
//       index/                               see index/segmented_index.h
//
// Not thread-safe. Errors: I/O errors; DataLoss/MANIFEST_INVALID for a manifest or pointer that cannot be read.
#ifndef SEMBLANCE_SERVICE_ENGINE_GENERATION_STORE_H_
#define SEMBLANCE_SERVICE_ENGINE_GENERATION_STORE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "semblance/storage/v1/generation.pb.h"

namespace semblance {

class GenerationStore {
 public:
  // Creates the directories and removes what an interrupted Create left behind.
  static absl::StatusOr<GenerationStore> Open(const std::string& data_dir);

  // By ascending id.
  absl::StatusOr<std::vector<storage::v1::GenerationManifest>> List() const;

  // The newest generation of that embedding space; nullopt where there is none.
  absl::StatusOr<std::optional<storage::v1::GenerationManifest>> FindBySpace(const std::string& embedding_space_id) const;

  // A new generation with a copy of the bundle and no index yet. Errors: as of ReadBundle.
  absl::StatusOr<storage::v1::GenerationManifest> Create(const std::string& bundle_dir);

  // The generation that was active last; nullopt before the first activation.
  absl::StatusOr<std::optional<storage::v1::GenerationManifest>> ReadActive() const;

  // Durable when it returns.
  absl::Status WriteActive(const std::string& generation_id);

  std::string BundleDir(const std::string& generation_id) const;
  std::string IndexDir(const std::string& generation_id) const;

 private:
  explicit GenerationStore(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  std::string GenerationsDir() const;
  std::string ManifestPath(const std::string& generation_id) const;
  absl::StatusOr<storage::v1::GenerationManifest> ReadManifest(const std::string& generation_id) const;

  std::string data_dir_;
};

}  // namespace semblance

#endif  // SEMBLANCE_SERVICE_ENGINE_GENERATION_STORE_H_
