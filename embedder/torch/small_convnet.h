// The small convnet (SmallConvnet in bundle.proto). Private to the library; callers use networks.h.
#ifndef SEMBLANCE_EMBEDDER_TORCH_SMALL_CONVNET_H_
#define SEMBLANCE_EMBEDDER_TORCH_SMALL_CONVNET_H_

#include <memory>

#include "embedder/torch/networks.h"

namespace semblance::embedder {

// REQUIRES: a validated spec with small_convnet.
std::shared_ptr<EmbeddingNetImpl> NewSmallConvnet(const NetworkSpec& spec);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_SMALL_CONVNET_H_
