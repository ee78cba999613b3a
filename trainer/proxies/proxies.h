// The proxies: points of the embedding space that represent classes and are learned with the network. This class also decides which
// proxy represents which example.
//
// Not thread-safe.
//
// Only the direction of a proxy counts, because the losses normalize them. They are kept at unit length all the same: Renormalize
// runs after each step. The gradient of a direction shrinks as one over the length, and every step makes the vector longer, so
// without Renormalize the learning rate of the proxies would decay unnoticed.
//
// Assignment (arXiv 1703.07464, section 3.3):
//   static, k per class      Rows k c to k c + k - 1 are those of class c. An example's positive is the nearest of them.
//   static, shared           There are fewer proxies than classes. Each class has one, assigned at random (seeded) and as evenly as
//                            possible. A shared proxy is never a negative of the classes that share it.
//   dynamic                  An example's positive is the proxy nearest to another example of its class in the batch (nearest to
//                            itself if it is the only one). All other proxies are negatives.
//   dynamic, for triplets    An anchor's positive is the proxy nearest to its positive example, and its negative the one nearest to
//                            its negative example: the paper's p(y) and p(z). Where both are the same proxy, the triplet would
//                            teach nothing, so the two examples themselves take the place of the proxies. (Without this rule,
//                            proxies attract everything near them until few proxies are in use and most triplets are undecided.)
#ifndef SEMBLANCE_TRAINER_PROXIES_PROXIES_H_
#define SEMBLANCE_TRAINER_PROXIES_PROXIES_H_

#include <torch/torch.h>

#include <cstdint>

#include "semblance/v1/training_config.pb.h"
#include "trainer/losses/loss.h"

namespace semblance::trainer {

class Proxies {
 public:
  // Draws directions uniformly on the sphere (normalized N(0, 1)) from LibTorch's default generator; seed it with
  // torch::manual_seed. `seed` decides which classes share a proxy. class_count is 0 if the data are triplets. REQUIRES: a
  // validated config with at least two proxies for class_count classes.
  Proxies(const v1::ProxyConfig& config, int64_t class_count, int64_t dimension, uint64_t seed, torch::Device device);

  // The number of proxies that a config asks for.
  static int64_t Count(const v1::ProxyConfig& config, int64_t class_count);

  // [count, dimension], float32, a leaf that requires gradients.
  const torch::Tensor& values() const { return values_; }
  int64_t count() const { return values_.size(0); }

  // Assigns proxies to labeled examples. With sampled negatives, the result holds only a part of the proxies: the positives of the
  // batch, and others drawn from LibTorch's default generator.
  ProxyBatch Match(const PairBatch& examples) const;

  // Assigns proxies to the anchors of triplets. The result's proxies are values() followed by the positive and the negative
  // examples, with their gradients. REQUIRES: dynamic assignment.
  ProxyBatch Match(const TripletBatch& triplets) const;

  // The row of the proxy nearest to each of the (unit) embeddings: [N], int64.
  torch::Tensor NearestTo(const torch::Tensor& unit_embeddings) const { return Nearest(unit_embeddings, {}); }

  // For each of the (unit) embeddings, true if the nearest of all proxies belongs to its class: [N], bool. REQUIRES: static
  // assignment.
  torch::Tensor IsNearestToItsClass(const torch::Tensor& unit_embeddings, const torch::Tensor& labels) const;

  // The rows of the proxies that represent each label: [N, proxies per class], int64. REQUIRES: static assignment.
  torch::Tensor RowsOf(const torch::Tensor& labels) const;
  bool is_static() const { return !is_dynamic_; }

  // The row of each class's shared proxy: [class count], int64, on the CPU. Undefined if no proxy is shared.
  torch::Tensor shared_rows() const { return shared_rows_.defined() ? shared_rows_.to(torch::kCPU) : shared_rows_; }

  void Renormalize();

  // Sets the directions to those of `values`, [count, dimension], on any device.
  void Assign(const torch::Tensor& values);

  // Sets the proxies to exactly `values`, which an earlier values() returned; they have unit length.
  void Restore(const torch::Tensor& values);

  // Moves each proxy to the mean of the examples that it represents. `means` is [class count, D]: the mean of the unit embeddings
  // of each class. `center` is the mean of all, and is subtracted. Several proxies of one class are scattered around its mean;
  // dynamic ones start at classes drawn at random.
  void StartAtClassMeans(const torch::Tensor& means, const torch::Tensor& center);

  // Moves each proxy to one of the `examples` ([N, D], unit rows), less `center`, the mean of all. Examples are drawn at random,
  // and none is drawn again before all have been; proxies at an example drawn again are scattered around it. REQUIRES: dynamic
  // assignment.
  void StartAtExamples(const torch::Tensor& examples, const torch::Tensor& center);

 private:
  // [N]: the row nearest to each embedding among its `candidates`, [N, K] rows; among all rows if `candidates` is undefined.
  torch::Tensor Nearest(const torch::Tensor& unit_embeddings, const torch::Tensor& candidates) const;
  ProxyBatch WithSampledNegatives(ProxyBatch batch) const;

  int64_t class_count_;
  int64_t per_class_ = 1;
  bool is_dynamic_ = false;
  int64_t sampled_negatives_ = 0;
  torch::Tensor values_;
  torch::Tensor shared_rows_;
  // [count]: the class of each proxy. Undefined unless each class has several proxies.
  torch::Tensor classes_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_PROXIES_PROXIES_H_
