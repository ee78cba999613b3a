// The proxies: points of the embedding space that stand for classes, learned with the network; and which of them stands for what.
//
// Not thread-safe.
//
// Only their direction counts: the losses normalise them. They are kept at unit length all the same, by Renormalize after each
// step, because the gradient of a direction shrinks as one over the length and every step lengthens the vector: without it the
// learning rate of the proxies would decay unseen.
//
// Assignment (arXiv 1703.07464, section 3.3):
//   static, k a class        rows k c to k c + k - 1 are those of class c; an example's positive is the nearest of them
//   static, shared           there are fewer proxies than classes: each class has one, dealt out at random (seeded), as evenly as
//   it
//                            goes; a shared proxy is never a negative of the classes that share it
//   dynamic                  an example's positive is the proxy that is nearest to another example of its class in the batch (to
//                            itself where it is alone); all others are negatives
//   dynamic, of triplets     an anchor's positive is the proxy nearest to its positive example, its negative the one nearest to its
//                            negative example: the paper's p(y) and p(z). Where these are one and the same, and so say nothing, the
//                            two examples stand for themselves. (Without this, proxies gather all that is near to them until few
//                            are left and most triplets are undecided.)
#ifndef SEMBLANCE_TRAINER_LEARNING_PROXIES_H_
#define SEMBLANCE_TRAINER_LEARNING_PROXIES_H_

#include <torch/torch.h>

#include <cstdint>

#include "semblance/v1/training_config.pb.h"
#include "trainer/losses/loss.h"

namespace semblance::trainer {

class Proxies {
 public:
  // Directions uniform on the sphere (normalised N(0, 1)), from the default generator: seed it with torch::manual_seed. `seed` is
  // that of the dealing out. class_count is 0 for data of triplets. REQUIRES: a validated config with at least two proxies for
  // class_count classes.
  Proxies(const v1::ProxyConfig& config, int64_t class_count, int64_t dimension, uint64_t seed, torch::Device device);

  // How many a config asks for.
  static int64_t Count(const v1::ProxyConfig& config, int64_t class_count);

  // [count, dimension], float32, a leaf that requires gradients.
  const torch::Tensor& values() const { return values_; }
  int64_t count() const { return values_.size(0); }

  // Fills in what the loss needs to know about proxies, from the batch's embeddings and labels. With sampled negatives,
  // batch->proxies are a part of the values: those of the batch and others drawn from the default generator.
  void Match(LossBatch* batch) const;

  // The same for the anchors of triplets, whose positive and negative examples the batch has. batch->proxies are the values and
  // these examples, with their gradients. REQUIRES: dynamic.
  void MatchTriplets(LossBatch* batch) const;

  // The row nearest to each of the (unit) embeddings: [N], int64.
  torch::Tensor NearestTo(const torch::Tensor& unit_embeddings) const { return Nearest(unit_embeddings, {}); }

  // Whether the nearest of all proxies is one of its class, for each of the (unit) embeddings: [N], bool. REQUIRES: static.
  torch::Tensor IsNearestToItsClass(const torch::Tensor& unit_embeddings, const torch::Tensor& labels) const;

  // The rows that stand for the classes: [N, rows of a class], int64. REQUIRES: static.
  torch::Tensor RowsOf(const torch::Tensor& labels) const;
  bool is_static() const { return !is_dynamic_; }

  // The shared proxy of each class: [class count], int64, on the CPU; undefined where no proxy is shared.
  torch::Tensor shared_rows() const { return shared_rows_.defined() ? shared_rows_.to(torch::kCPU) : shared_rows_; }

  void Renormalize();

  // Takes the directions of `values`, [count, dimension], from any device.
  void Assign(const torch::Tensor& values);

  // Takes `values` as they are: those that values() was, of unit length.
  void Restore(const torch::Tensor& values);

  // Moves every proxy to where the examples are that it stands for: the mean of the classes' `means` ([class count, D], unit rows
  // averaged by class), less `centre`, the mean of all. Several proxies of one class lie around its mean; dynamic ones start at
  // classes drawn at random.
  void StartAtClassMeans(const torch::Tensor& means, const torch::Tensor& center);

  // Moves every proxy to one of the `examples` ([N, D], unit rows), less `centre`, the mean of all: drawn at random, each of them
  // once before any is taken again; such repeated ones lie around it. REQUIRES: dynamic.
  void StartAtExamples(const torch::Tensor& examples, const torch::Tensor& center);

 private:
  // [N]: the row nearest to each embedding, of `candidates` ([N, K] rows; undefined: of all).
  torch::Tensor Nearest(const torch::Tensor& unit_embeddings, const torch::Tensor& candidates) const;
  void SampleNegatives(LossBatch* batch) const;

  int64_t class_count_;
  int64_t per_class_ = 1;
  bool is_dynamic_ = false;
  int64_t sampled_negatives_ = 0;
  torch::Tensor values_;
  torch::Tensor shared_rows_;
  // [count], the class of each; undefined unless there are several for each class.
  torch::Tensor classes_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_PROXIES_H_
