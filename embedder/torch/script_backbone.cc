#include "embedder/torch/script_backbone.h"

#include <torch/script.h>

#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "embedder/bundle/manifest.h"
#include "embedder/torch/device.h"

namespace semblance::embedder {
namespace {

constexpr int64_t kProbeImages = 2;

absl::Status BadProgram(absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MANIFEST_INVALID,
               absl::StrCat("the TorchScript backbone ", message));
}

bool IsBatchNorm(const torch::jit::Module& module) {
  const auto name = module.type()->name();
  return name.has_value() && absl::StrContains(name->name(), "BatchNorm");
}

class ScriptNet final : public EmbeddingNetImpl {
 public:
  ScriptNet(const NetworkSpec& spec, const torch::jit::Module& program) : EmbeddingNetImpl(spec), program_(program) {
    auto parameters = register_module("script", std::make_shared<torch::nn::Module>());
    std::set<const at::TensorImpl*> seen;  // A program may use one tensor in several places.
    for (const auto& parameter : program_.named_parameters()) {
      if (seen.insert(parameter.value.unsafeGetTensorImpl()).second) {
        parameters->register_parameter(absl::StrReplaceAll(parameter.name, {{".", "/"}}), parameter.value,
                                       parameter.value.requires_grad());
      }
    }
    program_.train();
  }

  // The number of the head's inputs is the number of features that the program gives for one image.
  absl::Status Probe(const storage::v1::Preprocessing& input) {
    const torch::NoGradGuard no_grad;
    program_.eval();
    c10::IValue output;
    const absl::Status status = CatchTorchErrors([&] {
      output = program_.forward({torch::zeros({kProbeImages, input.channels(), input.crop_side(), input.crop_side()})});
      program_.train();
    });
    const std::string given =
        absl::StrCat("float32 [", kProbeImages, ", ", input.channels(), ", ", input.crop_side(), ", ", input.crop_side(), "]");
    if (!status.ok()) {
      return BadProgram(absl::StrCat("fails on ", given, ": ", status.message()));
    }
    SEMBLANCE_RETURN_IF_ERROR(CheckOutput(output, given));
    const int64_t inputs = Pool(output.toTensor()).size(1);
    if (inputs < 1 || inputs > kMaxHeadInputs) {
      return BadProgram(absl::StrCat("gives ", inputs, " features; expected 1 to ", kMaxHeadInputs));
    }
    RegisterHead(inputs);
    return absl::OkStatus();
  }

  void train(bool on = true) override {
    EmbeddingNetImpl::train(on);
    program_.train(on);
    if (norms_frozen_) {
      SetNormsToEvaluation();
    }
  }

  using EmbeddingNetImpl::to;
  void to(torch::Device device, bool non_blocking = false) override {
    EmbeddingNetImpl::to(device, non_blocking);
    program_.to(device, non_blocking);  // Moves the buffers; the parameters have moved already.
  }

  void FreezeBatchNorms() override {
    norms_frozen_ = true;
    SetNormsToEvaluation();
    for (torch::jit::Module module : program_.modules()) {
      if (IsBatchNorm(module)) {
        for (torch::Tensor parameter : module.parameters(/*recurse=*/false)) {
          parameter.requires_grad_(false);
        }
      }
    }
  }

  std::string SerializeScript() const override {
    const torch::NoGradGuard no_grad;
    torch::jit::Module copy = program_.deepcopy();
    copy.to(torch::kCPU);
    copy.eval();
    // Copies do not require gradients. A run that starts from the file should train the same tensors.
    auto original = program_.parameters().begin();
    for (torch::Tensor parameter : copy.parameters()) {
      parameter.requires_grad_((*original).requires_grad());
      ++original;
    }
    std::ostringstream bytes;
    copy.save(bytes);
    return bytes.str();
  }

  void LoadScript(const std::string& bytes) override {
    const torch::NoGradGuard no_grad;
    std::istringstream stream(bytes);
    const torch::jit::Module other = torch::jit::load(stream);
    const auto copy = [](const auto& from, const auto& to) {
      auto source = from.begin();
      for (torch::Tensor tensor : to) {
        tensor.copy_(*source);
        ++source;
      }
    };
    copy(other.parameters(), program_.parameters());
    copy(other.buffers(), program_.buffers());
  }

 private:
  static absl::Status CheckOutput(const c10::IValue& output, absl::string_view given) {
    if (!output.isTensor()) {
      return BadProgram(absl::StrCat("gives a ", output.tagKind(), " for ", given, "; expected a tensor"));
    }
    const torch::Tensor& tensor = output.toTensor();
    const bool is_features = (tensor.dim() == 2 || tensor.dim() == 4) && tensor.size(0) == kProbeImages && tensor.numel() > 0;
    if (!is_features || tensor.scalar_type() != torch::kFloat32) {
      return BadProgram(absl::StrCat(
          "gives ", torch::toString(tensor.scalar_type()), " [", absl::StrJoin(tensor.sizes().begin(), tensor.sizes().end(), ", "),
          "] for ", given, "; expected float32 [", kProbeImages, ", features] or [", kProbeImages, ", features, height, width]"));
    }
    return absl::OkStatus();
  }

  void SetNormsToEvaluation() {
    for (torch::jit::Module module : program_.modules()) {
      if (IsBatchNorm(module)) {
        module.eval();
      }
    }
  }

  torch::Tensor FeatureMap(torch::Tensor x) override { return program_.forward({std::move(x)}).toTensor(); }

  torch::jit::Module program_;
  bool norms_frozen_ = false;
};

absl::StatusOr<torch::jit::Module> ReadProgram(absl::string_view bytes) {
  torch::jit::Module program;
  const absl::Status status = CatchTorchErrors([&] {
    std::istringstream stream{std::string(bytes)};
    program = torch::jit::load(stream, torch::kCPU);
  });
  if (!status.ok()) {
    return BadProgram(absl::StrCat("is no file of torch.jit.save: ", status.message()));
  }
  if (!program.find_method("forward").has_value()) {
    return BadProgram("has no method forward");
  }
  return program;
}

}  // namespace

absl::StatusOr<std::shared_ptr<EmbeddingNetImpl>> NewScriptNet(const NetworkSpec& spec, absl::string_view program) {
  SEMBLANCE_ASSIGN_OR_RETURN(const torch::jit::Module module, ReadProgram(program));
  auto net = std::make_shared<ScriptNet>(spec, module);
  SEMBLANCE_RETURN_IF_ERROR(net->Probe(spec.preprocessing));
  return std::shared_ptr<EmbeddingNetImpl>(std::move(net));
}

}  // namespace semblance::embedder
