// The three kinds of losses, and the batches that they are computed on.
//
// Thread-compatible: const methods may run concurrently.
//
//   LossOnProxies    compares each example with proxies                      (ProxyBatch)
//   LossOnPairs      compares the examples of a batch with one another       (PairBatch)
//   LossOnTriplets   compares the anchor of each triplet with its own two    (TripletBatch)
//
// A loss derives from one of them and overrides Compute, which returns the mean loss of the batch: a scalar, float32,
// differentiable in embeddings and proxies. A batch from which nothing can be learned (no pairs, no negatives) gives 0, with
// gradients of 0.
//
// Every loss normalizes embeddings and proxies itself: only their directions count. In the comments of the losses, cos(x, p) is
// the cosine of the two, and d(x, y) = 2 - 2 cos(x, y) is the squared Euclidean distance of the unit vectors, unless a loss says
// otherwise. docs/add_a_loss.md shows how to write one.
//
// Sizes: N examples (N >= 1), D dimensions, P proxies. All tensors of a batch are on one device. Embeddings and proxies are
// float32 and may have any length; a zero row stays zero. All other tensors are int64.
#ifndef SEMBLANCE_TRAINER_LOSSES_LOSS_H_
#define SEMBLANCE_TRAINER_LOSSES_LOSS_H_

#include <torch/torch.h>

#include <memory>
#include <variant>

namespace semblance::trainer {

// Every proxy but the example's positive is a negative of the example.
struct AllOtherProxies {};

// Every proxy of another class is a negative. A proxy of the example's class that is not its positive is ignored.
struct ProxiesOfOtherClasses {
  torch::Tensor example_classes;  // [N]
  torch::Tensor proxy_classes;    // [P]
};

// Only the named proxies are negatives. An example's positive is never its negative, even if it is named.
struct NamedProxies {
  torch::Tensor rows;  // [N, K], rows of the proxies
};

using NegativeProxies = std::variant<AllOtherProxies, ProxiesOfOtherClasses, NamedProxies>;

struct ProxyBatch {
  torch::Tensor embeddings;  // [N, D]
  torch::Tensor proxies;     // [P, D]
  torch::Tensor positives;   // [N]: the row of the proxy that each example is pulled towards
  NegativeProxies negatives;
};

struct PairBatch {
  torch::Tensor embeddings;  // [N, D]
  torch::Tensor labels;      // [N]: the class of each example
};

struct TripletBatch {
  torch::Tensor anchors;    // [N, D]
  torch::Tensor positives;  // [N, D]: should be nearer to the anchor than the negative is
  torch::Tensor negatives;  // [N, D]
};

class LossOnProxies {
 public:
  virtual ~LossOnProxies() = default;

  virtual torch::Tensor Compute(const ProxyBatch& batch) const = 0;

  // True if in every step each proxy of the batch gets a gradient that is not zero, apart from underflow. Training then reports
  // proxies that get none, because something must be wrong.
  virtual bool moves_every_proxy() const { return true; }
};

class LossOnPairs {
 public:
  virtual ~LossOnPairs() = default;

  virtual torch::Tensor Compute(const PairBatch& batch) const = 0;
};

class LossOnTriplets {
 public:
  virtual ~LossOnTriplets() = default;

  virtual torch::Tensor Compute(const TripletBatch& batch) const = 0;
};

// A loss of any kind. Never null.
using Loss =
    std::variant<std::unique_ptr<const LossOnProxies>, std::unique_ptr<const LossOnPairs>, std::unique_ptr<const LossOnTriplets>>;

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LOSSES_LOSS_H_
