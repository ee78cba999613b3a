// A TorchScript program as the backbone (TorchScript in bundle.proto). Private to the library: callers want networks.h.
//
// The program's parameters are parameters of the network, "script.NAME" with "/" for ".", so that optimisers see them. Its tensors
// stay in its own file, backbone.pt, and are no part of the network's state (state.h): which buffers there are is for the program
// to say, and it may replace them while it runs.
//
// A program can do all that LibTorch's operators do, opening files among it: run none from a stranger.
#ifndef SEMBLANCE_EMBEDDER_TORCH_SCRIPT_BACKBONE_H_
#define SEMBLANCE_EMBEDDER_TORCH_SCRIPT_BACKBONE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/torch/networks.h"

namespace semblance::embedder {

// What the names of a program's parameters begin with.
inline constexpr char kScriptPrefix[] = "script.";

// Reads the program and runs it once, on two images of zeros. Errors: FailedPrecondition/MANIFEST_INVALID when the bytes are no
// TorchScript file, the program fails on such images, or its output has not the shape of features: what it gave, and what is
// expected. REQUIRES: a validated spec with torch_script.
absl::StatusOr<std::shared_ptr<EmbeddingNetImpl>> NewScriptNet(const NetworkSpec& spec, absl::string_view program);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_SCRIPT_BACKBONE_H_
