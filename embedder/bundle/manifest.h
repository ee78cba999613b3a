// Checks the ranges of a bundle's manifest, which storage/v1/bundle.proto defines.
//
// Thread-safe: functions without state.
//
// Errors: InvalidArgument with reason MANIFEST_INVALID, the path of the field in the message type (such as
// "preprocessing.crop_side"), the value and the range.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_MANIFEST_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_MANIFEST_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "semblance/storage/v1/bundle.pb.h"

namespace semblance::embedder {

inline constexpr int kBundleFormatVersion = 1;
inline constexpr int kMaxDimension = 4096;
// Limit of the inputs of the linear head. It bounds the memory that a manifest can make a reader allocate (1 GiB at kMaxDimension).
inline constexpr int64_t kMaxHeadInputs = 65536;

absl::Status ValidatePreprocessing(const storage::v1::Preprocessing& preprocessing);

// Checks the architecture, the preprocessing whose output it takes, and the dimension of its output.
absl::Status ValidateNetwork(const storage::v1::Architecture& architecture, const storage::v1::Preprocessing& preprocessing,
                             int dimension);

// Checks everything except the format version, the embedding space and the files, which the writer fills in.
absl::Status ValidateManifest(const storage::v1::BundleManifest& manifest);

// Returns true for a valid name of a model: [a-z0-9][a-z0-9._-]{0,63}.
bool IsModelName(absl::string_view name);

// Returns the number of pooled values that the backbone gives for one image. REQUIRES: ValidateNetwork returned OK; the backbone is
// not torch_script, whose program decides about its output.
int64_t HeadInputs(const storage::v1::Architecture& architecture, const storage::v1::Preprocessing& preprocessing);

// Returns true if BN-Inception can halve inputs of that side evenly as often as it must. Multiples of 32 are among these sides.
bool IsBnInceptionSide(int side);

// Return the pooling, and the base width of a ResNet, with the defaults of unset fields applied.
storage::v1::Architecture::Pooling PoolingOf(const storage::v1::Architecture& architecture);
int BaseWidthOf(const storage::v1::Resnet& resnet);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_MANIFEST_H_
