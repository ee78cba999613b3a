#include "index/key_set.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The parameter says whether keys lie close together, which needs a bitmap, or far apart, which needs a binary search.
class KeySetTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(KeySetTest, AgreesWithAStandardSet) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> keys;
  for (int i = 0; i < 1000; ++i) {
    keys.push_back(17 + random() % 3000 * GetParam());
  }
  const std::set<uint64_t> expected(keys.begin(), keys.end());
  const KeySet set(keys);
  EXPECT_THAT(set.keys(), ::testing::ElementsAreArray(expected));
  for (uint64_t key = 0; key < 3100 * GetParam(); key += std::max<uint64_t>(1, GetParam() / 3)) {
    ASSERT_EQ(set.Contains(key), expected.contains(key)) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Distances, KeySetTest, ::testing::Values(1, 7, 1'000'000));

TEST(KeySet, CutsOutARange) {
  const KeySet set({30, 10, 20, 20});
  EXPECT_THAT(set.Between(0, 100), ElementsAre(10, 20, 30));
  EXPECT_THAT(set.Between(10, 20), ElementsAre(10, 20));
  EXPECT_THAT(set.Between(21, 29), IsEmpty());
}

TEST(KeySet, MayBeEmptyOrReachTheLargestKey) {
  EXPECT_FALSE(KeySet({}).Contains(0));
  EXPECT_THAT(KeySet({}).Between(0, 9), IsEmpty());
  EXPECT_TRUE(KeySet({0, ~uint64_t{0}}).Contains(~uint64_t{0}));
}

}  // namespace
}  // namespace semblance::index
