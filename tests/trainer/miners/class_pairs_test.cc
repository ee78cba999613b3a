#include "trainer/miners/class_pairs.h"

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

torch::Tensor Numbers(const std::vector<int64_t>& numbers) {
  return torch::tensor(numbers, torch::kInt64);
}

TEST(ClassPairsTest, AreOfOneClassOrOfTwoAndNeverAnExampleWithItself) {
  const std::vector<int64_t> labels = {4, 7, 4, 4, 0};
  const torch::Tensor same = SameClassPairs(Numbers(labels));
  const torch::Tensor other = OtherClassPairs(Numbers(labels));
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t j = 0; j < 5; ++j) {
      const bool is_same = labels[static_cast<size_t>(i)] == labels[static_cast<size_t>(j)];
      EXPECT_EQ(same[i][j].item<bool>(), is_same && i != j) << i << ", " << j;
      EXPECT_EQ(other[i][j].item<bool>(), !is_same) << i << ", " << j;
    }
  }
}

TEST(ClassPairsTest, PairUpEachClassInTheOrderOfTheBatch) {
  const PairRows pairs = DisjointPairs(Numbers({5, 9, 5, 5, 9, 5, 5, 2}));
  EXPECT_TRUE(torch::equal(pairs.first, Numbers({0, 1, 3}))) << pairs.first;
  EXPECT_TRUE(torch::equal(pairs.second, Numbers({2, 4, 5}))) << pairs.second;
}

TEST(ClassPairsTest, AreNoneWhereEveryExampleHasAClassOfItsOwn) {
  EXPECT_EQ(DisjointPairs(Numbers({3, 1, 2})).first.size(0), 0);
  EXPECT_FALSE(SameClassPairs(Numbers({3, 1, 2})).any().item<bool>());
}

}  // namespace
}  // namespace semblance::trainer
