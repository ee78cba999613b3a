#include "index/dot_product.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/index/random_vectors.h"

namespace semblance {
namespace {

double SlowDot(const float* a, const float* b, int dimension) {
  double sum = 0;
  for (int i = 0; i < dimension; ++i) {
    sum += static_cast<double>(a[i]) * b[i];
  }
  return sum;
}

TEST(DotProduct, EqualsASlowLoopInEveryDimension) {
  for (int dimension = 1; dimension <= 200; ++dimension) {
    RandomVectors random(dimension, 0, dimension);
    const std::vector<float> a = random.Next();
    const std::vector<float> b = random.Next();
    EXPECT_NEAR(DotProduct(a.data(), b.data(), dimension), SlowDot(a.data(), b.data(), dimension), 1e-6) << dimension;
  }
}

TEST(DotProduct, GivesARowTheSameScoreAloneAndInABlock) {
  constexpr int kDimension = 77;
  constexpr int kRows = 50;
  RandomVectors random(kDimension, 0, 1);
  const std::vector<float> query = random.Next();
  const std::vector<float> rows = random.Rows(kRows);
  std::vector<float> scores(kRows);
  DotProducts(query.data(), rows.data(), kRows, kDimension, scores.data());
  for (int row = 0; row < kRows; ++row) {
    EXPECT_EQ(scores[row], DotProduct(query.data(), &rows[row * kDimension], kDimension));
  }
}

}  // namespace
}  // namespace semblance
