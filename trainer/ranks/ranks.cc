#include "trainer/ranks/ranks.h"

#include <algorithm>
#include <cstdlib>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#if defined(USE_C10D_NCCL)
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/torch/device.h"

namespace semblance::trainer {
namespace {

class RunAlone final : public Ranks {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 1; }
  torch::Device device() const override { return torch::kCPU; }
  bool has_lost_others() const override { return false; }
  void Sum(torch::Tensor* /*tensor*/) const override {}
  void CopyFromFirst(torch::Tensor* /*tensor*/) const override {}
  torch::Tensor Gather(const torch::Tensor& rows) const override { return rows; }
};

class ProcessRanks final : public Ranks {
 public:
  ProcessRanks(c10::intrusive_ptr<c10d::ProcessGroup> group, torch::Device device) : group_(std::move(group)), device_(device) {}

  int rank() const override { return group_->getRank(); }
  int world_size() const override { return group_->getSize(); }
  torch::Device device() const override { return device_; }
  bool has_lost_others() const override { return has_lost_others_; }

  void Sum(torch::Tensor* tensor) const override {
    std::vector<torch::Tensor> tensors = {*tensor};
    Exchange([&] { group_->allreduce(tensors)->wait(); });
  }

  void CopyFromFirst(torch::Tensor* tensor) const override {
    std::vector<torch::Tensor> tensors = {*tensor};
    Exchange([&] { group_->broadcast(tensors)->wait(); });
  }

  torch::Tensor Gather(const torch::Tensor& rows) const override {
    const std::vector<int64_t> counts = RowCounts(rows.size(0));
    // All ranks must exchange the same number of rows, so each pads its rows to the largest number.
    const int64_t longest = *std::max_element(counts.begin(), counts.end());
    std::vector<int64_t> shape = rows.sizes().vec();
    shape[0] = longest;
    torch::Tensor padded = torch::zeros(shape, rows.options().requires_grad(false));
    padded.slice(0, 0, rows.size(0)).copy_(rows.detach());
    std::vector<torch::Tensor> own = {padded};
    std::vector<std::vector<torch::Tensor>> all(1);
    for (int i = 0; i < world_size(); ++i) {
      all[0].push_back(torch::empty_like(padded));
    }
    Exchange([&] { group_->allgather(all, own)->wait(); });
    for (size_t i = 0; i < counts.size(); ++i) {
      all[0][i] = all[0][i].slice(0, 0, counts[i]);
    }
    return torch::cat(all[0]);
  }

 private:
  std::vector<int64_t> RowCounts(int64_t own) const {
    torch::Tensor counts = torch::zeros({world_size()}, torch::TensorOptions(torch::kInt64).device(device_));
    counts[rank()] = own;
    Sum(&counts);
    const torch::Tensor host = counts.to(torch::kCPU);
    return {host.data_ptr<int64_t>(), host.data_ptr<int64_t>() + host.numel()};
  }

  void Exchange(absl::FunctionRef<void()> body) const {
    try {
      body();
    } catch (...) {
      has_lost_others_ = true;
      throw;
    }
  }

  const c10::intrusive_ptr<c10d::ProcessGroup> group_;
  const torch::Device device_;
  mutable bool has_lost_others_ = false;
};

class GatherFunction : public torch::autograd::Function<GatherFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& rows, const Ranks* ranks) {
    const torch::Tensor own = torch::full({1}, rows.size(0), torch::TensorOptions(torch::kInt64).device(rows.device()));
    const torch::Tensor counts = ranks->Gather(own).to(torch::kCPU);
    context->saved_data["begin"] = counts.slice(0, 0, ranks->rank()).sum().item<int64_t>();
    context->saved_data["rows"] = rows.size(0);
    return ranks->Gather(rows);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list gradients) {
    const int64_t begin = context->saved_data["begin"].toInt();
    return {gradients[0].slice(0, begin, begin + context->saved_data["rows"].toInt()), torch::Tensor()};
  }
};

absl::StatusOr<int> NumberFrom(const char* name, int least, int most) {
  const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread starts.
  int value = 0;
  if (text == nullptr || !absl::SimpleAtoi(text, &value) || value < least || value > most) {
    return absl::InvalidArgumentError(absl::StrCat("the environment has ", name, "=", text == nullptr ? "(nothing)" : text,
                                                   "; WORLD_SIZE is set, so a number from ", least, " to ", most, " is expected"));
  }
  return value;
}

c10::intrusive_ptr<c10d::ProcessGroup> NewGroup(const RankEnvironment& environment, torch::Device device) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(environment.master_port);
  options.isServer = environment.rank == 0;
  options.numWorkers = static_cast<size_t>(environment.world_size);
  options.waitWorkers = false;
  const auto store = c10::make_intrusive<c10d::TCPStore>(environment.master_address, options);
#if defined(USE_C10D_NCCL)
  if (device.is_cuda()) {
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, environment.rank, environment.world_size,
                                                       c10d::ProcessGroupNCCL::Options::create());
  }
#endif
  static_cast<void>(device);
  const auto gloo = c10d::ProcessGroupGloo::Options::create();
  gloo->devices.push_back(environment.master_address == "127.0.0.1"
                              ? c10d::ProcessGroupGloo::createDeviceForHostname(environment.master_address)
                              : c10d::ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, environment.rank, environment.world_size, gloo);
}

}  // namespace

absl::StatusOr<RankEnvironment> RankEnvironment::FromProcess() {
  RankEnvironment environment;
  if (std::getenv("WORLD_SIZE") == nullptr) {  // NOLINT(concurrency-mt-unsafe): before any thread starts.
    return environment;
  }
  constexpr int kMaxRanks = 65'536;
  SEMBLANCE_ASSIGN_OR_RETURN(environment.world_size, NumberFrom("WORLD_SIZE", 1, kMaxRanks));
  SEMBLANCE_ASSIGN_OR_RETURN(environment.rank, NumberFrom("RANK", 0, environment.world_size - 1));
  SEMBLANCE_ASSIGN_OR_RETURN(environment.local_rank, NumberFrom("LOCAL_RANK", 0, environment.world_size - 1));
  SEMBLANCE_ASSIGN_OR_RETURN(environment.master_port, NumberFrom("MASTER_PORT", 1, 65'535));
  const char* const address = std::getenv("MASTER_ADDR");  // NOLINT(concurrency-mt-unsafe): before any thread starts.
  if (address == nullptr) {
    return absl::InvalidArgumentError("the environment has no MASTER_ADDR, though WORLD_SIZE is set");
  }
  environment.master_address = address;
  return environment;
}

absl::StatusOr<std::unique_ptr<Ranks>> Ranks::Join(const RankEnvironment& environment, torch::Device device) {
  if (environment.world_size == 1) {
    return std::make_unique<RunAlone>();
  }
  c10::intrusive_ptr<c10d::ProcessGroup> group;
  if (const absl::Status status = embedder::CatchTorchErrors([&] { group = NewGroup(environment, device); }); !status.ok()) {
    return absl::UnavailableError(absl::StrCat("rank ", environment.rank, " cannot join the others at ", environment.master_address,
                                               ":", environment.master_port, ": ", status.message()));
  }
  return std::make_unique<ProcessRanks>(std::move(group), device);
}

absl::Status Ranks::CatchErrors(absl::FunctionRef<absl::Status()> body) const {
  absl::Status returned;
  const absl::Status thrown = embedder::CatchTorchErrors([&] { returned = body(); });
  const absl::Status& status = thrown.ok() ? returned : thrown;
  if (status.ok() || !has_lost_others()) {
    return status;
  }
  return absl::UnavailableError(absl::StrCat("rank ", rank(), " lost another one, whose error says why: ", status.message()));
}

bool Ranks::Any(bool flag) const {
  if (is_alone()) {
    return flag;
  }
  torch::Tensor count = torch::full({1}, flag ? 1 : 0, torch::TensorOptions(torch::kInt64).device(device()));
  Sum(&count);
  return count.item<int64_t>() > 0;
}

double Ranks::FromFirst(double value) const {
  torch::Tensor tensor = torch::full({1}, value, torch::TensorOptions(torch::kFloat64).device(device()));
  CopyFromFirst(&tensor);
  return tensor.item<double>();
}

torch::Tensor Ranks::GatherWithGradient(const torch::Tensor& rows) const {
  return is_alone() ? rows : GatherFunction::apply(rows, this);
}

void Ranks::ReduceGradients(const std::vector<torch::Tensor>& parameters, const torch::Tensor& shared) const {
  if (is_alone()) {
    return;
  }
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) {
      gradients.push_back(parameter.grad());
    }
  }
  if (shared.defined() && shared.grad().defined()) {
    gradients.push_back(shared.mutable_grad().div_(world_size()));
  }
  std::vector<torch::Tensor> flat;
  flat.reserve(gradients.size());
  for (const torch::Tensor& gradient : gradients) {
    flat.push_back(gradient.flatten());
  }
  torch::Tensor all = torch::cat(flat);
  Sum(&all);
  int64_t begin = 0;
  for (torch::Tensor& gradient : gradients) {
    gradient.copy_(all.slice(0, begin, begin + gradient.numel()).view_as(gradient));
    begin += gradient.numel();
  }
}

}  // namespace semblance::trainer
