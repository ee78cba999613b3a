// The proxies: one point of the embedding space for every class, learned with the network.
//
// Not thread-safe.
//
// Only their direction counts: the loss normalises them. They are kept at unit length all the same, by Renormalize after each
// step, because the gradient of a direction shrinks as one over the length and every step lengthens the vector: without it the
// learning rate of the proxies would decay unseen.
#ifndef SEMBLANCE_TRAINER_PROXIES_H_
#define SEMBLANCE_TRAINER_PROXIES_H_

#include <torch/torch.h>

#include <cstdint>

namespace semblance {

class Proxies {
 public:
  // Directions uniform on the sphere (normalised N(0, 1)), from the default generator: seed it with torch::manual_seed.
  Proxies(int64_t class_count, int64_t dimension, torch::Device device);

  // [class count, dimension], float32, a leaf that requires gradients.
  const torch::Tensor& values() const { return values_; }

  void Renormalize() { Assign(values_); }

  // Takes the directions of `values`, [class count, dimension], from any device.
  void Assign(const torch::Tensor& values);

 private:
  torch::Tensor values_;
};

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_PROXIES_H_
