#include "embedder/torch/state.h"

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "embedder/torch/script_backbone.h"

namespace semblance::embedder {
namespace {

// False for the constants of the manifest (networks.h) and for what a program keeps in its own file (script_backbone.h).
bool IsState(absl::string_view name) {
  return name != "input_scale" && name != "input_shift" && !absl::StartsWith(name, kScriptPrefix);
}

std::map<std::string, torch::Tensor> NamedState(const EmbeddingNet& net) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& entry : net->named_parameters()) {
    if (IsState(entry.key())) {
      tensors.emplace(entry.key(), entry.value());
    }
  }
  for (const auto& entry : net->named_buffers()) {
    if (IsState(entry.key())) {
      tensors.emplace(entry.key(), entry.value());
    }
  }
  return tensors;
}

std::string DtypeOf(const torch::Tensor& tensor) {
  return tensor.scalar_type() == torch::kInt64 ? "I64" : "F32";
}

std::string Describe(absl::string_view dtype, c10::ArrayRef<int64_t> shape) {
  return absl::StrCat(dtype, "[", absl::StrJoin(shape.begin(), shape.end(), ", "), "]");
}

absl::Status Mismatch(absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MANIFEST_INVALID, message);
}

absl::Status CheckFits(const std::string& name, const torch::Tensor& expected, const HostTensor& found) {
  const std::string want = Describe(DtypeOf(expected), expected.sizes());
  const std::string have = Describe(found.dtype, found.shape);
  if (want != have) {
    return Mismatch(absl::StrCat("tensor ", name, " is ", have, ", but the architecture needs ", want));
  }
  return absl::OkStatus();
}

absl::Status CheckAllFit(const std::map<std::string, torch::Tensor>& expected, const TensorMap& state) {
  for (const auto& [name, tensor] : expected) {
    const auto found = state.find(name);
    if (found == state.end()) {
      return Mismatch(
          absl::StrCat("tensor ", name, " is missing: the architecture needs ", Describe(DtypeOf(tensor), tensor.sizes())));
    }
    SEMBLANCE_RETURN_IF_ERROR(CheckFits(name, tensor, found->second));
  }
  for (const auto& [name, tensor] : state) {
    if (expected.count(name) == 0) {
      return Mismatch(absl::StrCat("tensor ", name, " ", Describe(tensor.dtype, tensor.shape), " is unknown to the architecture"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

HostTensor ToHostTensor(const torch::Tensor& tensor) {
  const torch::Tensor host = tensor.detach().to(torch::kCPU).contiguous();
  return {DtypeOf(host), host.sizes().vec(), std::string(static_cast<const char*>(host.data_ptr()), host.nbytes())};
}

torch::Tensor ToTorchTensor(const HostTensor& tensor) {
  torch::Tensor result = torch::empty(tensor.shape, tensor.dtype == "I64" ? torch::kInt64 : torch::kFloat32);
  if (!tensor.data.empty()) {
    std::memcpy(result.data_ptr(), tensor.data.data(), tensor.data.size());
  }
  return result;
}

TensorMap StateOf(const EmbeddingNet& net) {
  TensorMap state;
  for (const auto& [name, tensor] : NamedState(net)) {
    state.emplace(name, ToHostTensor(tensor));
  }
  return state;
}

absl::Status LoadState(EmbeddingNet& net, const TensorMap& state) {
  std::map<std::string, torch::Tensor> tensors = NamedState(net);
  SEMBLANCE_RETURN_IF_ERROR(CheckAllFit(tensors, state));
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : tensors) {
    tensor.copy_(ToTorchTensor(state.at(name)));
  }
  return absl::OkStatus();
}

}  // namespace semblance::embedder
