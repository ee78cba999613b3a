// Reading and writing named tensors in the safetensors layout: 8 bytes of little-endian header length N, N bytes of JSON
// ({"name": {"dtype", "shape", "data_offsets"}, ...}), then the data. No code is ever executed; readable from Python.
//
// Thread-compatible: const methods may run concurrently.
//
// Errors: DataLoss for a file that breaks the format (which tensor, what, the value): header not JSON, offsets that overlap, leave
// gaps or pass the end, sizes that do not match the shape, unknown dtype. NotFound and I/O errors as of ReadFile.
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

// Row-major, little-endian, densely packed.
struct HostTensor {
  // "F32" or "I64".
  std::string dtype;
  // Empty: a scalar.
  std::vector<int64_t> shape;
  std::string data;
};

// By name, so that files of equal content are equal in bytes.
using TensorMap = std::map<std::string, HostTensor>;

// Bytes of one element; 0 for an unknown dtype.
int DtypeSize(absl::string_view dtype);

// The bytes of a file. REQUIRES: every tensor's data matches its dtype and shape.
std::string SerializeSafetensors(const TensorMap& tensors);

// `name` is used in messages.
absl::StatusOr<TensorMap> ParseSafetensors(absl::string_view bytes, absl::string_view name);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_SAFETENSORS_H_
