// What the tests of the losses share: points given by their angles on a circle, batches of them, slow distances.
#ifndef SEMBLANCE_TESTS_TRAINER_LOSSES_LOSS_DATA_H_
#define SEMBLANCE_TESTS_TRAINER_LOSSES_LOSS_DATA_H_

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "trainer/losses/loss.h"

namespace semblance::testing {

using Angles = std::vector<double>;  // Degrees.
using Numbers = std::vector<int64_t>;

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

// One proxy for each class.
inline trainer::LossBatch Batch(const torch::Tensor& embeddings, const torch::Tensor& proxies, const torch::Tensor& labels) {
  trainer::LossBatch batch;
  batch.embeddings = embeddings;
  batch.labels = labels;
  batch.proxies = proxies;
  batch.positives = labels;
  return batch;
}

inline trainer::LossBatch Batch(const Angles& embeddings, const Angles& proxies, const Numbers& labels) {
  return Batch(OnCircle(embeddings), OnCircle(proxies), Labels(labels));
}

inline trainer::LossBatch PairBatch(const Angles& embeddings, const Numbers& labels) {
  trainer::LossBatch batch;
  batch.embeddings = OnCircle(embeddings);
  batch.labels = Labels(labels);
  return batch;
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_LOSSES_LOSS_DATA_H_
