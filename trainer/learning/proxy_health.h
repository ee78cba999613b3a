// What an epoch says about the proxies: whether they learn, and whether they stand where their examples are.
//
// Not thread-safe.
#ifndef SEMBLANCE_TRAINER_LEARNING_PROXY_HEALTH_H_
#define SEMBLANCE_TRAINER_LEARNING_PROXY_HEALTH_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "trainer/learning/nca_bound.h"
#include "trainer/learning/proxies.h"
#include "trainer/losses/loss.h"

namespace semblance::trainer {

struct ProxyHealth {
  // Length of the proxies before they were brought back to 1, mean over steps and proxies: how far a step moves them.
  double mean_norm = 0;
  // Mean over steps and proxies of the length of a proxy's gradient.
  double mean_gradient_norm = 0;
  // Proxies that were no example's positive in the epoch; of triplets: nearest to none of their images.
  int64_t dead = 0;
  // Of a class's proxy with the mean of the class's embeddings: the mean and the least over the classes. 0 with dynamic proxies,
  // and where the means of so many classes would take much memory.
  double mean_cosine_to_class = 0;
  double least_cosine_to_class = 0;
  // Share of the training examples (as augmented) whose nearest proxy is one of their class, or, of triplets, the one nearest to
  // the positive. 0 with dynamic proxies of labelled images.
  double nearest_proxy_accuracy = 0;
  // What follows up to `stuck` is of labelled images, this of triplets alone: the share whose positive and negative have the same
  // nearest proxy.
  bool of_triplets = false;
  double undecided = 0;
  // Mean NCA loss and its bound.
  NcaBound bound;
  // The classes, not more than a few, that have examples nearer to the proxies of others, and proxies that got no gradient in the
  // whole epoch; and how many they are. (A gradient that vanishes because all is well is no fault.) Static proxies only.
  std::vector<int64_t> stuck_classes;
  int64_t stuck = 0;
};

class ProxyHealthMeter {
 public:
  // `proxies` must outlive the meter. class_count is 0 for data of triplets.
  ProxyHealthMeter(const Proxies* proxies, int64_t class_count);

  // Sees a step: after the gradients are there, before the proxies move. `batch` was matched by the proxies.
  void Observe(const LossBatch& batch, double embedding_scale, double proxy_scale);
  // Sees the proxies after they moved, before they are brought back to unit length.
  void ObserveMoved();

  // Of the steps since the last call.
  ProxyHealth Take();

 private:
  void Reset();
  void ObserveGradients();
  void ObserveClasses(const LossBatch& batch, double embedding_scale, double proxy_scale);
  void ObserveTriplets(const LossBatch& batch);
  // What the classes that were seen say. REQUIRES: static proxies; at least one class.
  void ReportClasses(const torch::Tensor& seen, ProxyHealth* health) const;

  const Proxies& proxies_;
  const int64_t class_count_;
  int64_t steps_ = 0;
  int64_t moves_ = 0;
  int64_t examples_ = 0;
  double norm_sum_ = 0;
  double gradient_norm_sum_ = 0;
  int64_t nearest_ = 0;
  int64_t undecided_ = 0;
  NcaBound bound_;
  torch::Tensor has_gradient_;  // [P], bool
  torch::Tensor is_positive_;   // [P], bool
  torch::Tensor class_sums_;    // [C, D], of unit embeddings; empty where that would be much
  torch::Tensor class_counts_;  // [C]
  torch::Tensor is_astray_;     // [C], bool: an example was nearest to a proxy of another class
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_PROXY_HEALTH_H_
