#include "trainer/sampler.h"

#include <algorithm>
#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int64_t> Flatten(const PositionBatches& batches) {
  std::vector<int64_t> all;
  for (const std::vector<int64_t>& batch : batches) {
    all.insert(all.end(), batch.begin(), batch.end());
  }
  return all;
}

TEST(SamplerTest, VisitsEveryPositionOnce) {
  std::vector<int64_t> visited = Flatten(ShuffledBatches(/*count=*/103, /*batch_size=*/8, /*seed=*/1, /*epoch=*/1));

  std::sort(visited.begin(), visited.end());
  std::vector<int64_t> expected(103);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(visited, expected);
}

TEST(SamplerTest, ShufflesAnewInEveryEpochAndForEverySeed) {
  const PositionBatches batches = ShuffledBatches(100, 10, /*seed=*/1, /*epoch=*/1);

  EXPECT_EQ(batches, ShuffledBatches(100, 10, /*seed=*/1, /*epoch=*/1));
  EXPECT_NE(batches, ShuffledBatches(100, 10, /*seed=*/1, /*epoch=*/2));
  EXPECT_NE(batches, ShuffledBatches(100, 10, /*seed=*/2, /*epoch=*/1));
  EXPECT_NE(batches, SequentialBatches(100, 10));
}

TEST(SamplerTest, MakesBatchesOfEvenSize) {
  for (int64_t count = 2; count < 200; ++count) {
    for (const int batch_size : {4, 7, 64}) {
      const PositionBatches batches = ShuffledBatches(count, batch_size, /*seed=*/1, /*epoch=*/1);
      const auto [smallest, largest] =
          std::minmax_element(batches.begin(), batches.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
      EXPECT_LE(largest->size(), static_cast<size_t>(batch_size));
      EXPECT_LE(largest->size() - smallest->size(), 1U);
      EXPECT_GE(smallest->size(), 2U);
    }
  }
}

TEST(SamplerTest, GoesThroughInOrder) {
  EXPECT_THAT(SequentialBatches(5, 2), ElementsAre(ElementsAre(0), ElementsAre(1, 2), ElementsAre(3, 4)));
}

TEST(SamplerTest, MakesNothingOfNothing) {
  EXPECT_THAT(SequentialBatches(0, 2), IsEmpty());
  EXPECT_THAT(ShuffledBatches(0, 2, 1, 1), IsEmpty());
}

}  // namespace
}  // namespace semblance
