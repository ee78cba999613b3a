// A TorchScript program made in C++. It maps normalized images to the channel means of relu(conv(x)), with a batch norm.
#ifndef SEMBLANCE_TESTS_EMBEDDER_TORCH_SCRIPT_PROGRAM_H_
#define SEMBLANCE_TESTS_EMBEDDER_TORCH_SCRIPT_PROGRAM_H_

#include <torch/script.h>
#include <torch/torch.h>

#include <sstream>
#include <string>

namespace semblance::testing {

// Returns the program as torch.jit.save would write it. `forward` is the source of the method. The module has the parameter weight
// [6, channels, 3, 3] and the submodule norm, a BatchNorm2d with 6 channels.
inline std::string ScriptProgram(int channels, const std::string& forward) {
  const auto units = std::make_shared<torch::jit::CompilationUnit>();
  torch::jit::Module norm("__torch__.BatchNorm2d", units);
  norm.register_parameter("weight", torch::ones({6}, torch::requires_grad()), /*is_buffer=*/false);
  norm.register_parameter("bias", torch::zeros({6}, torch::requires_grad()), /*is_buffer=*/false);
  norm.register_buffer("running_mean", torch::zeros({6}));
  norm.register_buffer("running_var", torch::ones({6}));
  norm.register_attribute("training", c10::BoolType::get(), true);
  norm.define(R"(
    def forward(self, x):
      return torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, self.training, 0.1, 1e-5, False)
  )");
  torch::jit::Module program("__torch__.Backbone", units);
  program.register_parameter("weight", (0.3 * torch::randn({6, channels, 3, 3})).requires_grad_(), /*is_buffer=*/false);
  program.register_attribute("training", c10::BoolType::get(), true);
  program.register_module("norm", norm);
  program.define(forward);
  std::ostringstream bytes;
  program.save(bytes);
  return bytes.str();
}

inline std::string ScriptProgram(int channels) {
  return ScriptProgram(channels, R"(
    def forward(self, x):
      return torch.relu(self.norm.forward(torch.conv2d(x, self.weight, padding=1))).mean([2, 3])
  )");
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_EMBEDDER_TORCH_SCRIPT_PROGRAM_H_
