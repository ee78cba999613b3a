// The images of a split with what is known about each, by position.
//
// Thread-compatible. Does not own what it points to.
#ifndef SEMBLANCE_TRAINER_LABELLED_IMAGES_H_
#define SEMBLANCE_TRAINER_LABELLED_IMAGES_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "trainer/image_store.h"

namespace semblance {

struct LabelledImages {
  const ImageStore* images = nullptr;
  // Classes.
  const std::vector<int64_t>* labels = nullptr;
  // What the backbone makes of the images: see feature_cache.h. Undefined unless it was computed.
  torch::Tensor features;
};

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_LABELLED_IMAGES_H_
