// Preprocessed images to unit vectors, with the network of one bundle.
//
// Thread-safe: calls may run concurrently (each uses the threads it was configured with, so callers serialise for throughput).
// Outlives nothing: owns its weights. Vendor types stay behind it.
#ifndef SEMBLANCE_EMBEDDER_EMBEDDER_H_
#define SEMBLANCE_EMBEDDER_EMBEDDER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embedder/bundle/bundle.h"
#include "embedder/image/image.h"
#include "embedder/image/preprocess.h"

namespace semblance::embedder {

class Embedder {
 public:
  virtual ~Embedder() = default;

  virtual const storage::v1::BundleManifest& manifest() const = 0;
  virtual const Preprocessor& preprocessor() const = 0;
  // "cpu" or "cuda:N".
  virtual const std::string& device() const = 0;
  int dimension() const { return manifest().dimension(); }

  // Writes the embedding of images[i] to out[i * dimension() ...]: L2-normalised float32. Deterministic on the CPU up to rounding
  // that may depend on the batch. REQUIRES: out.size() == images.size() * dimension(); every image is an output of preprocessor().
  // Errors: ResourceExhausted (memory); Internal (a NaN came out, or the vendor failed).
  virtual absl::Status Embed(absl::Span<const Image> images, absl::Span<float> out) const = 0;
};

struct EmbedderOptions {
  // "cpu", "cuda", "cuda:N", or "auto": CUDA where there is one.
  std::string device = "auto";
  // Threads inside one inference on the CPU (process-wide in LibTorch); 0: one per core.
  int threads = 0;
};

// Loads and checks the bundle at `directory`, and runs one inference to warm up. Errors: as of ReadBundle; InvalidArgument for an
// unknown or absent device; FailedPrecondition/MANIFEST_INVALID when tensors do not fit the architecture (which, expected shape,
// found shape).
absl::StatusOr<std::unique_ptr<Embedder>> NewTorchEmbedder(const std::string& directory, const EmbedderOptions& options);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_EMBEDDER_H_
