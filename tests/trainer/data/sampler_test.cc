#include "trainer/data/sampler.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::trainer {
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

TEST(SamplerTest, SamplesNoMoreThanAskedForInAnOrderOfItsOwn) {
  EXPECT_EQ(SampleBatches(100, 1024, 1), ShuffledBatches(100, 256, 1, 0));
  const PositionBatches sample = SampleBatches(5000, 1024, 1);
  std::set<int64_t> positions;
  for (const auto& batch : sample) {
    EXPECT_LE(batch.size(), 256U);
    positions.insert(batch.begin(), batch.end());
  }
  EXPECT_GT(positions.size(), 900U);
  EXPECT_LE(positions.size(), 1024U);
}

TEST(SamplerTest, GoesThroughInOrder) {
  EXPECT_THAT(SequentialBatches(5, 2), ElementsAre(ElementsAre(0), ElementsAre(1, 2), ElementsAre(3, 4)));
}

TEST(SamplerTest, MakesNothingOfNothing) {
  EXPECT_THAT(SequentialBatches(0, 2), IsEmpty());
  EXPECT_THAT(ShuffledBatches(0, 2, 1, 1), IsEmpty());
}

// Returns sizes[c] labels for each class c, in mixed order.
std::vector<int64_t> LabelsOfSizes(const std::vector<int>& sizes) {
  std::vector<int64_t> labels;
  const int largest = *std::max_element(sizes.begin(), sizes.end());
  for (int i = 0; i < largest; ++i) {
    for (size_t c = 0; c < sizes.size(); ++c) {
      if (i < sizes[c]) {
        labels.push_back(static_cast<int64_t>(c));
      }
    }
  }
  return labels;
}

struct Balance {
  const char* name;
  std::vector<int> class_sizes;
  BatchShape shape;
};

class BalancedBatchesTest : public ::testing::TestWithParam<Balance> {
 protected:
  BalancedBatchesTest() : labels_(LabelsOfSizes(GetParam().class_sizes)) {}

  PositionBatches Epoch(int epoch) const { return BalancedBatches(labels_, GetParam().shape, /*seed=*/1, epoch); }

  const std::vector<int64_t> labels_;
};

TEST_P(BalancedBatchesTest, VisitEveryPositionInEachEpoch) {
  for (int epoch = 1; epoch <= 20; ++epoch) {
    const std::vector<int64_t> visited = Flatten(Epoch(epoch));

    EXPECT_EQ(std::set<int64_t>(visited.begin(), visited.end()).size(), labels_.size());
  }
}

TEST_P(BalancedBatchesTest, ShowAsManyExamplesOfAsManyClassesAsAskedFor) {
  const auto [classes, samples] = GetParam().shape;
  const size_t expected_classes = std::min(GetParam().class_sizes.size(), static_cast<size_t>(classes));
  for (int epoch = 1; epoch <= 20; ++epoch) {
    for (const std::vector<int64_t>& batch : Epoch(epoch)) {
      ASSERT_EQ(batch.size(), expected_classes * static_cast<size_t>(samples));
      std::map<int64_t, int> count;
      for (size_t i = 0; i < batch.size(); ++i) {
        const int64_t label = labels_[static_cast<size_t>(batch[i])];
        EXPECT_EQ(label, labels_[static_cast<size_t>(batch[i - i % static_cast<size_t>(samples)])]) << "one class after another";
        ++count[label];
      }
      EXPECT_EQ(count.size(), expected_classes);
      EXPECT_THAT(count, ::testing::Each(::testing::Pair(::testing::_, samples)));
    }
  }
}

TEST_P(BalancedBatchesTest, RepeatAnExampleInABatchOnlyWhereItsClassIsTooSmall) {
  const int samples = GetParam().shape.samples_per_class;
  for (const std::vector<int64_t>& batch : Epoch(1)) {
    std::map<int64_t, int> times;
    for (const int64_t position : batch) {
      ++times[position];
    }
    for (const auto& [position, count] : times) {
      const int size = GetParam().class_sizes[static_cast<size_t>(labels_[static_cast<size_t>(position)])];
      EXPECT_LE(count, (samples + size - 1) / size) << "evenly";
    }
  }
}

TEST_P(BalancedBatchesTest, AreAsFewAsCanBe) {
  const int samples = GetParam().shape.samples_per_class;
  const int classes = std::min(static_cast<int>(GetParam().class_sizes.size()), GetParam().shape.classes);
  int sum = 0;
  int largest = 0;
  for (const int size : GetParam().class_sizes) {
    const int groups = (size + samples - 1) / samples;
    sum += groups;
    largest = std::max(largest, groups);
  }
  for (int epoch = 1; epoch <= 20; ++epoch) {
    EXPECT_EQ(Epoch(epoch).size(), static_cast<size_t>(std::max((sum + classes - 1) / classes, largest)));
  }
}

TEST_P(BalancedBatchesTest, DependOnTheirArgumentsAlone) {
  EXPECT_EQ(Epoch(3), Epoch(3));
  EXPECT_NE(Epoch(3), Epoch(4));
  EXPECT_NE(Epoch(3), BalancedBatches(labels_, GetParam().shape, /*seed=*/2, 3));
}

INSTANTIATE_TEST_SUITE_P(
    SamplerTest, BalancedBatchesTest,
    ::testing::Values(Balance{"Even", {8, 8, 8, 8, 8, 8}, {3, 4}},  //
                      Balance{"Odd", {5, 7, 11, 3, 13, 9, 6}, {3, 4}}, Balance{"SingleImages", {1, 1, 1, 9, 1, 2, 1}, {4, 4}},
                      Balance{"AllSingle", {1, 1, 1, 1, 1, 1, 1}, {2, 2}}, Balance{"FewerClassesThanAsked", {10, 6, 7}, {8, 4}},
                      Balance{"OneClass", {10}, {8, 4}}, Balance{"OneHugeClass", {100, 3, 2, 4, 5}, {3, 4}},
                      Balance{"OneSampleEach", {5, 7, 11, 3}, {2, 1}}, Balance{"ManyClasses", std::vector<int>(101, 7), {16, 3}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(SamplerTest, MakesNoBalancedBatchesOfNothing) {
  EXPECT_THAT(BalancedBatches({}, {4, 2}, 1, 1), IsEmpty());
}

TEST(SamplerTest, MixesClassesAnewInEveryBatch) {
  const std::vector<int64_t> labels = LabelsOfSizes(std::vector<int>(10, 100));
  std::set<std::pair<int64_t, int64_t>> together;
  for (const std::vector<int64_t>& batch : BalancedBatches(labels, {2, 4}, /*seed=*/1, /*epoch=*/1)) {
    together.insert(std::minmax(labels[static_cast<size_t>(batch.front())], labels[static_cast<size_t>(batch.back())]));
  }

  EXPECT_GE(together.size(), 35U);  // Ten classes have 45 pairs, and there are 125 batches.
}

TEST(SamplerTest, SharesEveryBatchAmongTheRanksInOrder) {
  const PositionBatches batches = ShuffledBatches(103, 16, /*seed=*/1, /*epoch=*/1);
  for (const int world_size : {1, 2, 3, 8, 20}) {
    PositionBatches joined(batches.size());
    for (int rank = 0; rank < world_size; ++rank) {
      const PositionBatches share = RankShare(batches, rank, world_size);
      ASSERT_EQ(share.size(), batches.size());
      for (size_t i = 0; i < share.size(); ++i) {
        EXPECT_GE(share[i].size(), batches[i].size() / static_cast<size_t>(world_size));
        EXPECT_LE(share[i].size(), batches[i].size() / static_cast<size_t>(world_size) + 1);
        joined[i].insert(joined[i].end(), share[i].begin(), share[i].end());
      }
    }
    EXPECT_EQ(joined, batches);
  }
}

}  // namespace
}  // namespace semblance::trainer
