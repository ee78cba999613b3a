// The order in which examples are visited, as batches of positions in [0, count).
//
// Thread-safe: functions without state.
//
// ShuffledBatches and SequentialBatches contain every position exactly once. There are ceil(count / batch_size) batches, and their
// sizes differ by one at most, so no step has only the one or two examples that are left over.
//
// BalancedBatches is for losses on pairs and triplets, which need several examples of a class in a batch.
#ifndef SEMBLANCE_TRAINER_DATA_SAMPLER_H_
#define SEMBLANCE_TRAINER_DATA_SAMPLER_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace semblance::trainer {

using PositionBatches = std::vector<std::vector<int64_t>>;

// A random order, which depends only on the arguments. REQUIRES: count >= 0, batch_size >= 1.
PositionBatches ShuffledBatches(int64_t count, int batch_size, uint64_t seed, int epoch);

// A random sample of the `count` positions, for measurements: at most `most` of them, in batches of at most 256. Its order is
// independent of the orders of the epochs. REQUIRES: most >= 256.
PositionBatches SampleBatches(int64_t count, int64_t most, uint64_t seed);

// All positions in ascending order.
PositionBatches SequentialBatches(int64_t count, int batch_size);

// The number of classes in a batch, and of examples of each class.
struct BatchShape {
  int classes = 2;
  int samples_per_class = 2;
};

// Batches of `shape`: each has shape.classes different classes and shape.samples_per_class examples of each, one class after
// another. labels[i] is the class of position i. The choice is random and depends only on the arguments. REQUIRES: shape.classes >=
// 1, shape.samples_per_class >= 1.
//
// In each epoch:
// - Every position is visited at least once. The examples of a class are divided into groups of samples_per_class. The last group
// is
//   filled up with examples of the earlier groups, and none is taken again before all of them were. So a position repeats within a
//   batch only if its class has fewer than samples_per_class examples.
// - Every batch has the full shape, or all classes if there are fewer than shape.classes.
// - With g(c) = ceil(size of class c / samples_per_class) groups, there are max(ceil(sum of g / classes), largest g) batches in any
//   epoch. No fewer batches could show every group when the classes of a batch differ. Places that are left over are filled evenly
//   with further groups of the other classes, so one huge class makes a long epoch.
PositionBatches BalancedBatches(absl::Span<const int64_t> labels, const BatchShape& shape, uint64_t seed, int epoch);

// The part of each batch that belongs to process `rank` of the `world_size` processes that train together. The parts of a batch, in
// the order of the ranks, make up the batch, and their sizes differ by one at most. Every rank gets a part of every batch; a part
// is empty only if the batch has fewer than world_size positions. REQUIRES: 0 <= rank < world_size.
PositionBatches RankShare(const PositionBatches& batches, int rank, int world_size);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_SAMPLER_H_
