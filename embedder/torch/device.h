// The device that LibTorch computes on, and conversion of LibTorch's errors to absl::Status.
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

// Parses "cpu", "cuda" (the first CUDA device) or "cuda:N". "auto" and "" mean the first CUDA device if there is one, and else the
// CPU. Errors: InvalidArgument, field "device", if the name is none of these or there is no such device; the message lists the
// devices.
absl::StatusOr<torch::Device> ParseDevice(absl::string_view name);

// Runs `body`. An exception of LibTorch becomes ResourceExhausted (out of memory) or Internal (any other), with its first line as
// the message.
absl::Status CatchTorchErrors(absl::FunctionRef<void()> body);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_DEVICE_H_
