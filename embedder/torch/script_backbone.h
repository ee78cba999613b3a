// A TorchScript program as the backbone (TorchScript in bundle.proto). Private to the library; callers use networks.h.
//
// The program's parameters are parameters of the network, named "script.NAME" with "/" for ".", so that optimizers see them. Its
// tensors stay in its own file, backbone.pt, and are not part of the network's state (state.h), because the program decides which
// buffers it has and may replace them while it runs.
//
// A program can do everything that LibTorch's operators can do, such as opening files. Never run a program from a stranger.
#ifndef SEMBLANCE_EMBEDDER_TORCH_SCRIPT_BACKBONE_H_
#define SEMBLANCE_EMBEDDER_TORCH_SCRIPT_BACKBONE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "embedder/torch/networks.h"

namespace semblance::embedder {

// The prefix of the names of a program's parameters.
inline constexpr char kScriptPrefix[] = "script.";

// Reads the program and runs it once, on two images of zeros. Errors: FailedPrecondition/MANIFEST_INVALID if the bytes are no
// TorchScript file, if the program fails on such images, or if its output does not have the shape of features; the message has the
// shape and the expected one. REQUIRES: a validated spec with torch_script.
absl::StatusOr<std::shared_ptr<EmbeddingNetImpl>> NewScriptNet(const NetworkSpec& spec, absl::string_view program);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_SCRIPT_BACKBONE_H_
