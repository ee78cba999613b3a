// The processes of one data-parallel run, which step together. A run alone is a group of one, for which nothing is exchanged.
//
// Not thread-safe. All ranks must make the same calls in the same order.
//
// Every rank embeds its part of each batch; the embeddings of all are gathered, and every rank computes the loss of the whole batch
// and its gradient for its own part. So whatever loss there is, over pairs of a batch or over proxies, it is that of one process;
// the gradients of the network are summed over the ranks, and those of the proxies, which every rank has whole, are averaged, so
// that rounding cannot drive them apart.
//
// Errors of the network between the ranks are thrown (c10::Error, std::exception), like LibTorch's. A rank that ends closes its
// connections, and with gloo the others' next exchange throws.
#ifndef SEMBLANCE_TRAINER_LEARNING_RANKS_H_
#define SEMBLANCE_TRAINER_LEARNING_RANKS_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semblance::trainer {

// What torchrun tells a process: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT.
struct RankEnvironment {
  int rank = 0;
  int world_size = 1;
  // Of the processes on this machine: which device is this one's.
  int local_rank = 0;
  std::string master_address = "127.0.0.1";
  int master_port = 29500;

  // A run alone where WORLD_SIZE is not set. Errors: InvalidArgument (a variable that is missing or no number in its range).
  static absl::StatusOr<RankEnvironment> FromProcess();
};

class Ranks {
 public:
  virtual ~Ranks() = default;

  // Waits until all ranks are there: gloo on the CPU, NCCL on CUDA. Errors: Unavailable.
  static absl::StatusOr<std::unique_ptr<Ranks>> Join(const RankEnvironment& environment, torch::Device device);

  virtual int rank() const = 0;
  virtual int world_size() const = 0;
  // Where tensors must be to be exchanged.
  virtual torch::Device device() const = 0;
  // Whether an exchange has failed.
  virtual bool has_lost_others() const = 0;
  // Runs `body`, with what it throws as of CatchTorchErrors; an error after an exchange failed becomes Unavailable, since the rank
  // that is gone has the error that counts.
  absl::Status CatchErrors(absl::FunctionRef<absl::Status()> body) const;
  bool is_alone() const { return world_size() == 1; }
  bool is_first() const { return rank() == 0; }

  // The sum over the ranks, in place.
  virtual void Sum(torch::Tensor* tensor) const = 0;
  // The first rank's values, in place.
  virtual void CopyFromFirst(torch::Tensor* tensor) const = 0;
  // The rows of all ranks, one rank after another; they may have different numbers of rows. Not differentiable.
  virtual torch::Tensor Gather(const torch::Tensor& rows) const = 0;

  // Whether any rank says so.
  bool Any(bool flag) const;
  // What the first rank says.
  double OfFirst(double value) const;
  // The same as Gather; the gradient of a rank's own rows is the part of the whole that belongs to them. For losses that every rank
  // computes alike.
  torch::Tensor GatherWithGradient(const torch::Tensor& rows) const;
  // The gradients of the network's parameters are summed, those of `shared` (undefined: nothing is
  // shared) averaged. One exchange for all.
  void ReduceGradients(const std::vector<torch::Tensor>& parameters, const torch::Tensor& shared) const;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_RANKS_H_
