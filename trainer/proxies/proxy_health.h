// Measures during an epoch if the proxies learn, and if they lie near the examples that they represent.
//
// Not thread-safe.
#ifndef SEMBLANCE_TRAINER_PROXIES_PROXY_HEALTH_H_
#define SEMBLANCE_TRAINER_PROXIES_PROXY_HEALTH_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "trainer/losses/loss.h"
#include "trainer/proxies/nca_bound.h"
#include "trainer/proxies/proxies.h"

namespace semblance::trainer {

struct ProxyHealth {
  // The length of the proxies after a step, before they are brought back to 1: the mean over steps and proxies. It shows how far a
  // step moves them.
  double mean_norm = 0;
  // The length of a proxy's gradient: the mean over steps and proxies.
  double mean_gradient_norm = 0;
  // The number of proxies that were no example's positive in the epoch. For triplets: that were nearest to none of their images.
  int64_t dead = 0;
  // The cosine of a class's proxy with the mean of the class's embeddings: the mean and the least over the classes. Both are 0 with
  // dynamic proxies, and with so many classes that their means would need much memory.
  double mean_cosine_to_class = 0;
  double least_cosine_to_class = 0;
  // The share of the training examples (as augmented) whose nearest proxy is one of their class. For triplets: the share of anchors
  // whose nearest proxy is the one nearest to their positive. It is 0 with dynamic proxies of labeled images.
  double nearest_proxy_accuracy = 0;
  // True if the data are triplets; then `undecided` counts, and otherwise the fields after it.
  bool of_triplets = false;
  // The share of triplets whose positive and negative have the same nearest proxy.
  double undecided = 0;
  // The mean NCA loss and its bound.
  NcaBound bound;
  // The classes that have examples nearer to other classes' proxies and whose proxies got no gradient in the whole epoch: the first
  // few of them, and their number. (A gradient that vanishes because all is well is no fault.) Filled in for static proxies only.
  std::vector<int64_t> stuck_classes;
  int64_t stuck = 0;
};

// The lengths of embeddings and proxies that the bound is computed for.
struct BoundLengths {
  double embedding_scale;
  double proxy_scale;
};

class ProxyHealthMeter {
 public:
  // `proxies` must outlive the meter. class_count is 0 if the data are triplets.
  ProxyHealthMeter(const Proxies* proxies, int64_t class_count);

  // Measures a step on labeled examples. Call it when the gradients are computed and the proxies have not moved yet. `matched` is
  // what proxies.Match returned for `examples`.
  void Observe(const PairBatch& examples, const ProxyBatch& matched, const BoundLengths& lengths);
  // The same for a step on triplets.
  void Observe(const TripletBatch& triplets);

  // Measures how far the proxies moved. Call it after the step, before they are brought back to unit length.
  void ObserveMoved();

  // Returns the measurements of the steps since the last call, and starts again.
  ProxyHealth Take();

 private:
  void Reset();
  void ObserveGradients();
  void ObserveNearest(const torch::Tensor& unit_embeddings, const torch::Tensor& labels);
  // Fills in what is measured by class, for the classes in `seen`. REQUIRES: static proxies; at least one class.
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
  torch::Tensor class_sums_;    // [C, D]: sums of unit embeddings; empty where they would need much memory
  torch::Tensor class_counts_;  // [C]
  torch::Tensor is_astray_;     // [C], bool: an example of the class was nearest to a proxy of another class
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_PROXIES_PROXY_HEALTH_H_
