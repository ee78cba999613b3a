// The order in which examples are visited, as batches of positions in [0, count).
//
// Thread-safe: functions without state.
//
// Every position appears exactly once. The batches are as even as they can be: there are ceil(count / batch_size) of them and their
// sizes differ by one at most, so that no step is made of one or two left-over examples.
#ifndef SEMBLANCE_TRAINER_SAMPLER_H_
#define SEMBLANCE_TRAINER_SAMPLER_H_

#include <cstdint>
#include <vector>

namespace semblance {

using PositionBatches = std::vector<std::vector<int64_t>>;

// A random order, a function of the arguments alone. REQUIRES: count >= 0, batch_size >= 1.
PositionBatches ShuffledBatches(int64_t count, int batch_size, uint64_t seed, int epoch);

// Ascending.
PositionBatches SequentialBatches(int64_t count, int batch_size);

}  // namespace semblance

#endif  // SEMBLANCE_TRAINER_SAMPLER_H_
