// Where LibTorch computes, and its errors as absl::Status.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_EMBEDDER_TORCH_DEVICE_H_
#define SEMBLANCE_EMBEDDER_TORCH_DEVICE_H_

#include <torch/torch.h>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::embedder {

// "cpu", "cuda" (the first one), "cuda:N", or "auto" and "": the first CUDA device, else the CPU. Errors: InvalidArgument, field
// "device", when the name is none of these or the device is not there (it says what is).
absl::StatusOr<torch::Device> ParseDevice(absl::string_view name);

// Runs `body`; what LibTorch throws becomes ResourceExhausted (out of memory) or Internal (all else), its first line as the
// message.
absl::Status CatchTorchErrors(absl::FunctionRef<void()> body);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_DEVICE_H_
