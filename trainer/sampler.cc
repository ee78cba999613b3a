#include "trainer/sampler.h"

#include <cstddef>
#include <numeric>
#include <utility>

#include "trainer/random.h"

namespace semblance {
namespace {

std::vector<int64_t> Ascending(int64_t count) {
  std::vector<int64_t> positions(static_cast<size_t>(count));
  std::iota(positions.begin(), positions.end(), 0);
  return positions;
}

PositionBatches SplitEvenly(const std::vector<int64_t>& positions, int batch_size) {
  const auto count = static_cast<int64_t>(positions.size());
  const int64_t batch_count = (count + batch_size - 1) / batch_size;
  PositionBatches batches;
  batches.reserve(static_cast<size_t>(batch_count));
  for (int64_t i = 0; i < batch_count; ++i) {
    batches.emplace_back(positions.begin() + i * count / batch_count, positions.begin() + (i + 1) * count / batch_count);
  }
  return batches;
}

}  // namespace

PositionBatches ShuffledBatches(int64_t count, int batch_size, uint64_t seed, int epoch) {
  std::vector<int64_t> positions = Ascending(count);
  Random random(seed, static_cast<uint64_t>(epoch), /*index=*/0);
  for (size_t i = positions.size(); i > 1; --i) {  // Fisher and Yates; std::shuffle differs between standard libraries.
    std::swap(positions[i - 1], positions[random.Below(i)]);
  }
  return SplitEvenly(positions, batch_size);
}

PositionBatches SequentialBatches(int64_t count, int batch_size) {
  return SplitEvenly(Ascending(count), batch_size);
}

}  // namespace semblance
