// Reads and writes named tensors in the safetensors layout: 8 bytes with the little-endian header length N, N bytes of JSON
// ({"name": {"dtype", "shape", "data_offsets"}, ...}), then the data. Reading never executes code. Python can read these files too.
//
// Thread-compatible: const methods may run concurrently.
//
// Errors: DataLoss for a file that violates the format: the header is not JSON; offsets overlap, leave gaps or exceed the end; a
// size does not match its shape; a dtype is unknown. The message names the tensor and the value. NotFound and I/O errors of
// ReadFile.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_SAFETENSORS_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::embedder {

// A tensor in memory: row-major, little-endian, densely packed.
struct HostTensor {
  // "F32" or "I64".
  std::string dtype;
  // Empty for a scalar.
  std::vector<int64_t> shape;
  std::string data;
};

// Tensors ordered by name, so that files with equal content have equal bytes.
using TensorMap = std::map<std::string, HostTensor>;

// Returns the bytes of one element; 0 for an unknown dtype.
int DtypeSize(absl::string_view dtype);

// Returns the bytes of a file. REQUIRES: the data of every tensor matches its dtype and shape.
std::string SerializeSafetensors(const TensorMap& tensors);

// Parses the bytes of a file. `name` is used in messages.
absl::StatusOr<TensorMap> ParseSafetensors(absl::string_view bytes, absl::string_view name);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_SAFETENSORS_H_
