// Batches for tests of losses: points given by their angles on a circle, and slow distances between them.
#ifndef SEMBLANCE_TESTS_TRAINER_LOSSES_LOSS_DATA_H_
#define SEMBLANCE_TESTS_TRAINER_LOSSES_LOSS_DATA_H_

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "trainer/losses/loss.h"

namespace semblance::testing {

using Angles = std::vector<double>;  // In degrees.
using Numbers = std::vector<int64_t>;

// Two points of each of three classes, and one proxy for each class.
inline const Angles kPoints = {0, 25, 80, 140, 207, 313};
inline const Angles kProxyPoints = {10, 90, 215};
inline const Numbers kClassNumbers = {0, 0, 1, 1, 2, 2};

inline torch::Tensor OnCircle(const Angles& degrees) {
  const torch::Tensor radians = torch::tensor(degrees, torch::kFloat64) * (M_PI / 180);
  return torch::stack({torch::cos(radians), torch::sin(radians)}, 1).to(torch::kFloat32);
}

inline torch::Tensor Labels(const Numbers& labels) {
  return torch::tensor(labels, torch::kInt64);
}

inline double Cosine(double x, double y) {
  return std::cos((x - y) * M_PI / 180);
}

inline double SquaredDistance(double x, double y) {
  return 2 - 2 * Cosine(x, y);
}

// A batch with one proxy for each class.
inline trainer::ProxyBatch ProxyBatchOf(const torch::Tensor& embeddings, const torch::Tensor& proxies,
                                        const torch::Tensor& labels) {
  return {embeddings, proxies, labels, trainer::AllOtherProxies()};
}

inline trainer::ProxyBatch ProxyBatchOf(const Angles& embeddings, const Angles& proxies, const Numbers& labels) {
  return ProxyBatchOf(OnCircle(embeddings), OnCircle(proxies), Labels(labels));
}

inline trainer::PairBatch PairBatchOf(const Angles& embeddings, const Numbers& labels) {
  return {OnCircle(embeddings), Labels(labels)};
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_LOSSES_LOSS_DATA_H_
