// Pairs of examples in a batch, chosen by their classes.
//
// Thread-safe: functions without state.
//
// `labels` is [N], int64: the class of each example of the batch. The results are on the device of the labels.
#ifndef SEMBLANCE_TRAINER_MINERS_CLASS_PAIRS_H_
#define SEMBLANCE_TRAINER_MINERS_CLASS_PAIRS_H_

#include <torch/torch.h>

namespace semblance::trainer {

// [N, N], bool: true where row and column are two different examples of one class.
torch::Tensor SameClassPairs(const torch::Tensor& labels);

// [N, N], bool: true where row and column are examples of different classes.
torch::Tensor OtherClassPairs(const torch::Tensor& labels);

// Q pairs, as rows of the batch.
struct PairRows {
  torch::Tensor first;   // [Q], int64
  torch::Tensor second;  // [Q], int64
};

// Pairs up the examples of each class in the order of the batch: the first with the second, the third with the fourth. Each
// example is in one pair at most. The last example of a class with an odd count is in none.
PairRows DisjointPairs(const torch::Tensor& labels);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_MINERS_CLASS_PAIRS_H_
