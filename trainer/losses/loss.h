// What all losses have in common: a batch in, a number out.
//
// Thread-compatible: const methods may run concurrently.
//
// Every loss normalises embeddings and proxies by itself: only their directions count. cos(x, p) is the cosine of the two, and
// d(x, y) = 2 - 2 cos(x, y) the squared Euclidean distance of the unit vectors, unless a loss says otherwise.
#ifndef SEMBLANCE_TRAINER_LOSSES_LOSS_H_
#define SEMBLANCE_TRAINER_LOSSES_LOSS_H_

#include <torch/torch.h>

#include <memory>

#include "semblance/v1/training_config.pb.h"

namespace semblance::trainer {

// N examples, D dimensions, P proxies; all tensors on one device.
struct LossBatch {
  // [N, D], float32, of any length (a zero row stays zero). N >= 1.
  torch::Tensor embeddings;
  // [N], int64: classes. Undefined where the examples are the anchors of given triplets.
  torch::Tensor labels;
  // [N, D]: the other two of each example's triplet. Undefined where there are labels.
  torch::Tensor positive_examples;
  torch::Tensor negative_examples;

  // What follows is for losses with proxies.

  // [P, D], float32, of any length.
  torch::Tensor proxies;
  // [N], int64: for each example the row of the proxy that it is to come near to.
  torch::Tensor positives;
  // [P], int64: the class of each proxy. A proxy of the example's class that is not its positive is no negative of it either.
  // Undefined: every other proxy is a negative.
  torch::Tensor proxy_classes;
  // [N, K], int64: the rows of the only proxies that are negatives of each example; one that is its positive does not count.
  // Undefined: as above.
  torch::Tensor negatives;
};

class Loss {
 public:
  virtual ~Loss() = default;

  // The mean loss: a scalar, float32, differentiable in embeddings and proxies. A batch from which nothing can be learned (no
  // pairs, no negatives) gives 0, with gradients of 0.
  virtual torch::Tensor Compute(const LossBatch& batch) const = 0;

  virtual bool uses_proxies() const { return true; }

  // Whether a proxy that stands for an example, and each that does not, gets a gradient in every step (up to underflow).
  virtual bool moves_every_proxy() const { return uses_proxies(); }
};

// The loss that the config names. REQUIRES: a validated config (see trainer/config.h).
std::unique_ptr<Loss> NewLoss(const v1::LossConfig& config);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_LOSS_H_
