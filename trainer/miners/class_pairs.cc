#include "trainer/miners/class_pairs.h"

#include <cstdint>
#include <map>
#include <vector>

namespace semblance::trainer {

torch::Tensor SameClassPairs(const torch::Tensor& labels) {
  const torch::Tensor same = labels.unsqueeze(0) == labels.unsqueeze(1);
  return same.logical_and(torch::eye(labels.size(0), same.options()).logical_not());
}

torch::Tensor OtherClassPairs(const torch::Tensor& labels) {
  return labels.unsqueeze(0) != labels.unsqueeze(1);
}

PairRows DisjointPairs(const torch::Tensor& labels) {
  const torch::Tensor host = labels.to(torch::kCPU).contiguous();
  std::map<int64_t, int64_t> unpaired_by_class;
  std::vector<int64_t> first;
  std::vector<int64_t> second;
  for (int64_t i = 0; i < host.size(0); ++i) {
    const auto [place, is_new] = unpaired_by_class.emplace(host.data_ptr<int64_t>()[i], i);
    if (!is_new) {
      first.push_back(place->second);
      second.push_back(i);
      unpaired_by_class.erase(place);
    }
  }
  return {torch::tensor(first, labels.options()), torch::tensor(second, labels.options())};
}

}  // namespace semblance::trainer
