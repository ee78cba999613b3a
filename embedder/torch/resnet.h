// ResNet-18 and ResNet-50 (Resnet in bundle.proto). Private to the library; callers use networks.h.
#ifndef SEMBLANCE_EMBEDDER_TORCH_RESNET_H_
#define SEMBLANCE_EMBEDDER_TORCH_RESNET_H_

#include <memory>

#include "embedder/torch/networks.h"

namespace semblance::embedder {

// REQUIRES: a validated spec with resnet.
std::shared_ptr<EmbeddingNetImpl> NewResnet(const NetworkSpec& spec);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_TORCH_RESNET_H_
