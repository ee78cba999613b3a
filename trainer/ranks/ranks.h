// The processes of one data-parallel run, called ranks, which take every step together. A run of one process is a group of one
// rank, which exchanges nothing.
//
// Not thread-safe. All ranks must make the same calls in the same order.
//
// Every rank embeds its part of each batch. The embeddings of all ranks are gathered, and every rank computes the loss of the whole
// batch and the gradient for its own part. So any loss, on pairs or on proxies, has the value that one process would compute. The
// gradients of the network are summed over the ranks. Every rank has the gradients of all proxies; they are averaged, so that
// rounding cannot drive the ranks apart.
//
// Errors of the network between the ranks are thrown (c10::Error, std::exception), like those of LibTorch. A rank that ends closes
// its connections, and with gloo the next exchange of the other ranks throws.
#ifndef SEMBLANCE_TRAINER_RANKS_RANKS_H_
#define SEMBLANCE_TRAINER_RANKS_RANKS_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semblance::trainer {

// The place of a process in its group, which torchrun gives in RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT.
struct RankEnvironment {
  int rank = 0;
  int world_size = 1;
  // The number of the process among those on this machine. It decides which device the process uses.
  int local_rank = 0;
  std::string master_address = "127.0.0.1";
  int master_port = 29500;

  // Reads the environment. Without WORLD_SIZE the run has one process. Errors: InvalidArgument (a variable that is missing, or is
  // not a number in its range).
  static absl::StatusOr<RankEnvironment> FromProcess();
};

class Ranks {
 public:
  virtual ~Ranks() = default;

  // Waits until all ranks are connected, by gloo on the CPU and by NCCL on CUDA. Errors: Unavailable.
  static absl::StatusOr<std::unique_ptr<Ranks>> Join(const RankEnvironment& environment, torch::Device device);

  virtual int rank() const = 0;
  virtual int world_size() const = 0;
  // The device that tensors must be on to be exchanged.
  virtual torch::Device device() const = 0;
  // True if an exchange has failed.
  virtual bool has_lost_others() const = 0;
  // Runs `body`, and turns what it throws into a status as CatchTorchErrors does. After an exchange failed, every error becomes
  // Unavailable, because the rank that ended reports the cause.
  absl::Status CatchErrors(absl::FunctionRef<absl::Status()> body) const;
  bool is_alone() const { return world_size() == 1; }
  bool is_first() const { return rank() == 0; }

  // Replaces the tensor by its sum over the ranks.
  virtual void Sum(torch::Tensor* tensor) const = 0;
  // Replaces the tensor by that of the first rank.
  virtual void CopyFromFirst(torch::Tensor* tensor) const = 0;
  // Returns the rows of all ranks, in the order of the ranks, which may have different numbers of rows. Not differentiable.
  virtual torch::Tensor Gather(const torch::Tensor& rows) const = 0;

  // True if `flag` is true on any rank.
  bool Any(bool flag) const;
  // The value of the first rank.
  double FromFirst(double value) const;
  // The same as Gather, but differentiable: each rank gets the part of the gradient that belongs to its own rows. It is for losses
  // that every rank computes alike.
  torch::Tensor GatherWithGradient(const torch::Tensor& rows) const;
  // Sums the gradients of `parameters` over the ranks, and averages that of `shared` (undefined: there is none), in one exchange.
  void ReduceGradients(const std::vector<torch::Tensor>& parameters, const torch::Tensor& shared) const;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_RANKS_RANKS_H_
