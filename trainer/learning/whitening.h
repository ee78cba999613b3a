// Evens out the axes of a trained embedding (after Jegou and Chum, "Negative evidences and co-occurences in image retrieval: the
// benefit of PCA and whitening", ECCV 2012).
//
// Thread-safe: functions without state; ApplyToHead changes the network.
//
// A loss over C proxies spends nearly all variance of the embedding on at most C directions, most of it on the easy distinctions.
// Cosines between images then say little about classes that are hard to tell apart, or about anything within a class. Scaling each
// principal axis down by a power of its variance gives these directions weight. The map is affine and goes into the linear head:
// the network that serves is of the same kind and costs the same.
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

  // For every row of [N, D].
  torch::Tensor Apply(const torch::Tensor& rows) const { return rows.matmul(matrix.t()) + offset; }
};

// The map that centres `embeddings` ([N, D], float32, on the CPU, N >= 1) and scales a principal axis with variance v by v^-power.
// Axes keep their directions. Variances below a millionth of the largest count as that, so that noise is not blown up.
WhiteningTransform FitWhitening(const torch::Tensor& embeddings, double power);

// Makes the network return map.Apply of what it returned before.
void ApplyToHead(const WhiteningTransform& map, const embedder::EmbeddingNet& net);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_WHITENING_H_
