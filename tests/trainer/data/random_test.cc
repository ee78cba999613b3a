#include "trainer/data/random.h"

#include <array>
#include <set>

#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

TEST(RandomTest, RepeatsItselfForEqualArguments) {
  Random a(1, 2, 3);
  Random b(1, 2, 3);

  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(a.Next(), b.Next());
  }
}

TEST(RandomTest, DiffersInEveryArgument) {
  std::set<uint64_t> first;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    for (uint64_t stream = 0; stream < 4; ++stream) {
      for (uint64_t index = 0; index < 4; ++index) {
        first.insert(Random(seed, stream, index).Next());
      }
    }
  }

  EXPECT_EQ(first.size(), 64U);
}

TEST(RandomTest, SpreadsEvenlyBelowABound) {
  std::array<int, 5> counts = {};
  for (uint64_t index = 0; index < 5000; ++index) {
    ++counts[Random(7, 0, index).Below(5)];
  }

  for (const int count : counts) {
    EXPECT_NEAR(count, 1000, 120);  // Four standard deviations.
  }
}

TEST(RandomTest, ReachesBothEndsOfARange) {
  Random random(1, 1, 1);
  std::set<int> seen;
  for (int i = 0; i < 200; ++i) {
    seen.insert(random.Between(-2, 2));
  }

  EXPECT_EQ(seen, (std::set<int>{-2, -1, 0, 1, 2}));
}

TEST(RandomTest, SpreadsNumbersOverAnInterval) {
  double sum = 0;
  for (uint64_t index = 0; index < 1000; ++index) {
    const double value = Random(5, 1, index).Uniform(-1, 3);
    ASSERT_GE(value, -1);
    ASSERT_LE(value, 3);
    sum += value;
  }

  EXPECT_NEAR(sum / 1000, 1, 0.15);  // Four standard deviations.
}

TEST(RandomTest, TossesAFairCoin) {
  int heads = 0;
  for (uint64_t index = 0; index < 1000; ++index) {
    heads += Random(3, 1, index).Coin() ? 1 : 0;
  }

  EXPECT_NEAR(heads, 500, 64);
}

}  // namespace
}  // namespace semblance::trainer
