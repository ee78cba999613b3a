// Evens out the variances of a trained embedding's axes (after Jegou and Chum, "Negative evidences and co-occurences in image
// retrieval: the benefit of PCA and whitening", ECCV 2012).
//
// Thread-safe: functions without state; ApplyToHead changes the network.
//
// A loss over C proxies gives nearly all variance of the embedding to at most C directions, and most of it to the easy
// distinctions. Cosines between images then say little about classes that are hard to distinguish, or about differences within a
// class. Scaling each principal axis down by a power of its variance gives the other directions more weight. The map is affine, so
// it can be merged into the linear head: the resulting network has the same structure and the same cost.
#ifndef SEMBLANCE_TRAINER_LEARNING_WHITENING_H_
#define SEMBLANCE_TRAINER_LEARNING_WHITENING_H_

#include <torch/torch.h>

#include "embedder/torch/networks.h"

namespace semblance::trainer {

// y = matrix x + offset, on the CPU.
struct WhiteningTransform {
  // [D, D].
  torch::Tensor matrix;
  // [D].
  torch::Tensor offset;

  // Maps every row of [N, D].
  torch::Tensor Apply(const torch::Tensor& rows) const { return rows.matmul(matrix.t()) + offset; }
};

// The map that centers `embeddings` ([N, D], float32, on the CPU, N >= 1) and scales a principal axis of variance v by v^-power.
// Axes keep their directions. A variance below a millionth of the largest counts as a millionth, so that noise is not amplified.
WhiteningTransform FitWhitening(const torch::Tensor& embeddings, double power);

// Changes the head so that the network returns map.Apply(its earlier output).
void ApplyToHead(const WhiteningTransform& map, const embedder::EmbeddingNet& net);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_WHITENING_H_
