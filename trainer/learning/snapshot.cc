#include "trainer/learning/snapshot.h"

#include <ATen/CPUGeneratorImpl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/torch/device.h"
#include "embedder/torch/state.h"

namespace semblance::trainer {
namespace {

constexpr char kModelFile[] = "model.safetensors";
constexpr char kProxiesFile[] = "proxies.safetensors";
constexpr char kBackboneFile[] = "backbone.pt";
constexpr char kOptimizerFile[] = "optimizer.pt";
constexpr char kRandomFile[] = "random.bin";
constexpr char kProxiesTensor[] = "proxies";
constexpr char kClassProxiesTensor[] = "class_proxies";

std::string RandomState() {
  const torch::Tensor state = at::detail::getDefaultCPUGenerator().get_state();
  return {static_cast<const char*>(state.data_ptr()), state.nbytes()};
}

absl::Status SetRandomState(const std::string& bytes) {
  return embedder::CatchTorchErrors([&] {
    torch::Tensor state = torch::empty({static_cast<int64_t>(bytes.size())}, torch::kUInt8);
    bytes.copy(static_cast<char*>(state.data_ptr()), bytes.size());
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    generator.set_state(state);
  });
}

absl::StatusOr<std::string> Find(const SnapshotFiles& files, const std::string& name) {
  const auto found = files.find(name);
  return found != files.end() ? absl::StatusOr<std::string>(found->second)
                              : absl::DataLossError(absl::StrCat("the checkpoint has no ", name));
}

}  // namespace

TrainedState TrainedStateOf(const Learner& learner) {
  TrainedState state;
  state.model = embedder::StateOf(learner.net());
  state.backbone = learner.net()->SerializeScript();
  if (learner.uses_proxies()) {
    state.proxies[kProxiesTensor] = embedder::ToHostTensor(learner.proxies().values());
    if (const torch::Tensor shared = learner.proxies().shared_rows(); shared.defined()) {
      state.proxies[kClassProxiesTensor] = embedder::ToHostTensor(shared);
    }
  }
  return state;
}

absl::Status LoadTrainedState(const TrainedState& state, Learner* learner) {
  embedder::EmbeddingNet net = learner->net();
  SEMBLANCE_RETURN_IF_ERROR(embedder::LoadState(net, state.model));
  const auto proxies = state.proxies.find(kProxiesTensor);
  if (learner->uses_proxies() != (proxies != state.proxies.end())) {
    return absl::DataLossError(learner->uses_proxies() ? "there are no proxies" : "there are proxies of a loss that has none");
  }
  return embedder::CatchTorchErrors([&] {
    net->LoadScript(state.backbone);
    if (learner->uses_proxies()) {
      learner->proxies().Restore(embedder::ToTorchTensor(proxies->second));
    }
  });
}

SnapshotFiles FilesOf(const TrainedState& state, const std::string& prefix) {
  SnapshotFiles files = {{absl::StrCat(prefix, kModelFile), embedder::SerializeSafetensors(state.model)},
                         {absl::StrCat(prefix, kBackboneFile), state.backbone}};
  if (!state.proxies.empty()) {
    files[absl::StrCat(prefix, kProxiesFile)] = embedder::SerializeSafetensors(state.proxies);
  }
  return files;
}

absl::StatusOr<TrainedState> StateFrom(const SnapshotFiles& files, const std::string& prefix) {
  TrainedState state;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string model, Find(files, absl::StrCat(prefix, kModelFile)));
  SEMBLANCE_ASSIGN_OR_RETURN(state.model, embedder::ParseSafetensors(model, kModelFile));
  if (const auto proxies = files.find(absl::StrCat(prefix, kProxiesFile)); proxies != files.end()) {
    SEMBLANCE_ASSIGN_OR_RETURN(state.proxies, embedder::ParseSafetensors(proxies->second, kProxiesFile));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(state.backbone, Find(files, absl::StrCat(prefix, kBackboneFile)));
  return state;
}

SnapshotFiles TakeSnapshot(const Learner& learner) {
  SnapshotFiles files = FilesOf(TrainedStateOf(learner), "");
  files[kOptimizerFile] = learner.OptimizerState();
  files[kRandomFile] = RandomState();
  return files;
}

absl::Status RestoreSnapshot(const SnapshotFiles& files, Learner* learner) {
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainedState state, StateFrom(files, ""));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string optimizer, Find(files, kOptimizerFile));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string random, Find(files, kRandomFile));
  SEMBLANCE_RETURN_IF_ERROR(LoadTrainedState(state, learner));
  SEMBLANCE_RETURN_IF_ERROR(learner->LoadOptimizerState(optimizer));
  return SetRandomState(random);
}

}  // namespace semblance::trainer
