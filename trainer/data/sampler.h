// The order in which examples are visited, as batches of positions in [0, count).
//
// Thread-safe: functions without state.
//
// ShuffledBatches and SequentialBatches name every position exactly once. Their batches are as even as they can be: there are
// ceil(count / batch_size) of them and their sizes differ by one at most, so that no step is made of one or two left-over examples.
//
// BalancedBatches is for losses over pairs and triplets, which need several examples of a class in a batch.
#ifndef SEMBLANCE_TRAINER_DATA_SAMPLER_H_
#define SEMBLANCE_TRAINER_DATA_SAMPLER_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace semblance::trainer {

using PositionBatches = std::vector<std::vector<int64_t>>;

// A random order, a function of the arguments alone. REQUIRES: count >= 0, batch_size >= 1.
PositionBatches ShuffledBatches(int64_t count, int batch_size, uint64_t seed, int epoch);

// A random sample of `count` positions for measurements: at most `most` of them, in batches of at most 256. An order of its own,
// apart from those of the epochs. REQUIRES: most >= 256.
PositionBatches SampleBatches(int64_t count, int64_t most, uint64_t seed);

// Ascending.
PositionBatches SequentialBatches(int64_t count, int batch_size);

// How many examples of how many classes a batch has.
struct BatchShape {
  int classes = 2;
  int samples_per_class = 2;
};

// Batches of `shape`: so many different classes, and so many examples of each, one class after another. labels[i] is the class of
// position i. A random choice, a function of the arguments alone. REQUIRES: shape.classes >= 1, shape.samples_per_class >= 1.
//
// What holds in each epoch:
// - Every position is visited at least once. The examples of a class are dealt out in groups of samples_per_class. The last one is
//   filled up with examples that the class has shown before, each of them once before any is taken again: a position repeats within
//   a batch only where its class has fewer than samples_per_class examples.
// - Every batch has the full shape, or all classes where there are fewer than shape.classes.
// - With g(c) = ceil(size of class c / samples_per_class) groups, there are max(ceil(sum of g / classes), largest g) batches in any
//   epoch: as few as can show each group in a batch of different classes. Places that are left over go to further groups of the
//   other classes, evenly: one huge class makes a long epoch.
PositionBatches BalancedBatches(absl::Span<const int64_t> labels, const BatchShape& shape, uint64_t seed, int epoch);

// The part of each batch that belongs to the `rank`-th of `world_size` processes that train together. The parts of one batch, rank
// by rank, are the batch; their sizes differ by one at most. Every rank gets as many batches as there are; a part is empty only
// where a batch has fewer than world_size positions. REQUIRES: 0 <= rank < world_size.
PositionBatches RankShare(const PositionBatches& batches, int rank, int world_size);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_SAMPLER_H_
