// A small bundle that is made without a network, and that passes all checks of bundle.h.
#ifndef SEMBLANCE_TESTS_EMBEDDER_BUNDLE_BUNDLE_FIXTURE_H_
#define SEMBLANCE_TESTS_EMBEDDER_BUNDLE_BUNDLE_FIXTURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "embedder/bundle/bundle.h"

namespace semblance::testing {

inline embedder::HostTensor FloatTensor(std::vector<int64_t> shape, const std::vector<float>& values) {
  return {"F32", std::move(shape), std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float))};
}

// The bundle's input is 16 x 16 gray, its dimension is 4, and its classes are "cat" and "dog". The tensors belong to no real
// network.
inline embedder::Bundle SmallBundle() {
  embedder::Bundle bundle;
  bundle.manifest.set_name("small");
  bundle.manifest.set_create_time("2024-05-06T07:08:09Z");
  bundle.manifest.set_dimension(4);
  bundle.manifest.mutable_architecture()->mutable_small_convnet()->add_channels(8);
  bundle.manifest.mutable_architecture()->mutable_small_convnet()->set_convolutions_per_stage(1);
  storage::v1::Preprocessing* preprocessing = bundle.manifest.mutable_preprocessing();
  preprocessing->set_resize(storage::v1::Preprocessing::RESIZE_SHORT_SIDE);
  preprocessing->set_resize_side(20);
  preprocessing->set_crop_side(16);
  preprocessing->set_channels(1);
  preprocessing->add_mean(0.25);
  preprocessing->add_std(0.5);
  bundle.manifest.add_classes("cat");
  bundle.manifest.add_classes("dog");
  bundle.manifest.mutable_training()->set_seed(uint64_t{1} << 60);
  bundle.model = {{"head.bias", FloatTensor({4}, {1, 2, 3, 4})}, {"head.weight", FloatTensor({2, 2}, {5, 6, 7, 8})}};
  bundle.proxies = {{"proxies", FloatTensor({2, 4}, {1, 0, 0, 0, 0, 0.6, 0.8, 0})}};
  return bundle;
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_EMBEDDER_BUNDLE_BUNDLE_FIXTURE_H_
