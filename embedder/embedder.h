// Embeds preprocessed images as unit vectors, with the network of one bundle.
//
// Thread-safe: calls may run concurrently. Each call uses all configured threads, so callers serialize their calls for throughput.
// An embedder owns its weights. No vendor types appear in this interface.
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
  // Returns "cpu" or "cuda:N".
  virtual const std::string& device() const = 0;
  int dimension() const { return manifest().dimension(); }

  // Writes the embedding of images[i], of unit length, to out[i * dimension() ...]. On the CPU only rounding depends on the batch.
  // REQUIRES: out.size() == images.size() * dimension(); preprocessor() made every image. Errors: ResourceExhausted (memory);
  // Internal (the library failed); InvalidArgument/INVALID_VECTOR (a row is NaN, infinite or zero; those of unit length are right).
  virtual absl::Status Embed(absl::Span<const Image> images, absl::Span<float> out) const = 0;
};

struct EmbedderOptions {
  // "cpu", "cuda", "cuda:N", or "auto", which takes CUDA if there is a device.
  std::string device = "auto";
  // Threads of one inference on the CPU; 0 means one per core. In LibTorch this number applies to the whole process.
  int threads = 0;
};

// Loads and checks the bundle at `directory`, and runs one inference to warm up. Errors: those of ReadBundle; InvalidArgument for
// an unknown or absent device; FailedPrecondition/MANIFEST_INVALID when tensors do not fit the architecture (the message names the
// tensor, and the expected and the found shape), or when the network's embeddings are not finite.
absl::StatusOr<std::unique_ptr<Embedder>> NewTorchEmbedder(const std::string& directory, const EmbedderOptions& options);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_EMBEDDER_H_
