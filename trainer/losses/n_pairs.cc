#include "trainer/losses/n_pairs.h"

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "embedder/torch/networks.h"
#include "trainer/losses/similarities.h"

namespace semblance::trainer {
namespace {

struct DisjointPairs {
  std::vector<int64_t> first;
  std::vector<int64_t> second;
};

DisjointPairs PairUp(const torch::Tensor& labels) {
  const torch::Tensor host = labels.to(torch::kCPU).contiguous();
  std::map<int64_t, int64_t> waiting;  // By class, an example without a partner.
  DisjointPairs pairs;
  for (int64_t i = 0; i < host.size(0); ++i) {
    const auto [place, is_new] = waiting.emplace(host.data_ptr<int64_t>()[i], i);
    if (!is_new) {
      pairs.first.push_back(place->second);
      pairs.second.push_back(i);
      waiting.erase(place);
    }
  }
  return pairs;
}

}  // namespace

torch::Tensor NPairsLoss::Compute(const LossBatch& batch) const {
  const DisjointPairs pairs = PairUp(batch.labels);
  if (pairs.first.empty()) {
    return NothingToLearn(batch);
  }
  const torch::Tensor first = torch::tensor(pairs.first, batch.labels.options());
  const torch::Tensor second = torch::tensor(pairs.second, batch.labels.options());
  const torch::Tensor unit = embedder::NormalizeRows(batch.embeddings);
  const torch::Tensor similarities = scale_ * unit.index_select(0, first).matmul(unit.index_select(0, second).t());
  // Another pair of the same class is neither.
  const torch::Tensor ignored = SameClassPairs(batch.labels.index_select(0, first));
  const torch::Tensor counted = similarities.masked_fill(ignored, -std::numeric_limits<float>::infinity());
  return (counted.logsumexp(1) - similarities.diagonal()).mean();
}

}  // namespace semblance::trainer
