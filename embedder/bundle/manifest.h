// The ranges of a bundle's manifest: what storage/v1/bundle.proto promises, checked.
//
// Thread-safe: functions without state.
//
// Errors: InvalidArgument with reason MANIFEST_INVALID, the field's path in the message type (such as "preprocessing.crop_side"),
// the value and the range.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_MANIFEST_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_MANIFEST_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "semblance/storage/v1/bundle.pb.h"

namespace semblance::embedder {

inline constexpr int kBundleFormatVersion = 1;
inline constexpr int kMaxDimension = 4096;
// Inputs of the linear head: bounds what a manifest can make a reader allocate (1 GiB at kMaxDimension).
inline constexpr int64_t kMaxHeadInputs = 65536;

absl::Status ValidatePreprocessing(const storage::v1::Preprocessing& preprocessing);

// With the preprocessing whose output goes in, and the dimension that comes out. Checks all three.
absl::Status ValidateNetwork(const storage::v1::Architecture& architecture, const storage::v1::Preprocessing& preprocessing,
                             int dimension);

// Everything but the format version, the embedding space and the files, which the writer fills in.
absl::Status ValidateManifest(const storage::v1::BundleManifest& manifest);

// Whether a model may be called so: [a-z0-9][a-z0-9._-]{0,63}.
bool IsModelName(absl::string_view name);

// Values that come out of the backbone, pooled, for one image. REQUIRES: ValidateNetwork; not torch_script: that is for the program
// to say.
int64_t HeadInputs(const storage::v1::Architecture& architecture, const storage::v1::Preprocessing& preprocessing);

// Whether BN-Inception can halve an input of that side often enough, evenly: multiples of 32 are among those.
bool IsBnInceptionSide(int side);

// What unset values of the architecture stand for: the pooling, and the base width of a ResNet.
storage::v1::Architecture::Pooling PoolingOf(const storage::v1::Architecture& architecture);
int BaseWidthOf(const storage::v1::Resnet& resnet);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_MANIFEST_H_
