// BN-Inception (BnInception in bundle.proto): Ioffe and Szegedy, "Batch Normalization", arXiv 1502.03167, the network of the
// Proxy-NCA paper. Private to the library; callers use networks.h.
//
// Names, biases and poolings (sizes rounded up, padding included in averages) are those of the PyTorch port that its published
// ImageNet weights come from, so these weights give the same results here.
#ifndef SEMBLANCE_EMBEDDER_TORCH_BN_INCEPTION_H_
#define SEMBLANCE_EMBEDDER_TORCH_BN_INCEPTION_H_

#include <memory>

#include "embedder/torch/networks.h"

namespace semblance::embedder {

// REQUIRES: a validated spec with bn_inception.
std::shared_ptr<EmbeddingNetImpl> NewBnInception(const NetworkSpec& spec);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_BN_INCEPTION_H_
