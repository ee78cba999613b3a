#include "trainer/losses/similarities.h"

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::Cosine;
using testing::kClassNumbers;
using testing::kPoints;
using testing::kProxyPoints;
using testing::Labels;
using testing::OnCircle;
using testing::ProxyBatchOf;

TEST(SimilaritiesTest, AreCosinesWhateverTheLengths) {
  ProxyBatch batch = ProxyBatchOf(kPoints, kProxyPoints, kClassNumbers);
  batch.embeddings = 5 * batch.embeddings;
  batch.proxies = 0.2 * batch.proxies;

  const torch::Tensor to_proxies = ProxyCosines(batch);
  const torch::Tensor to_examples = PairCosines(batch.embeddings);

  for (size_t i = 0; i < kPoints.size(); ++i) {
    for (size_t j = 0; j < kProxyPoints.size(); ++j) {
      EXPECT_NEAR(to_proxies[static_cast<int64_t>(i)][static_cast<int64_t>(j)].item<double>(), Cosine(kPoints[i], kProxyPoints[j]),
                  1e-6);
    }
    for (size_t j = 0; j < kPoints.size(); ++j) {
      EXPECT_NEAR(to_examples[static_cast<int64_t>(i)][static_cast<int64_t>(j)].item<double>(), Cosine(kPoints[i], kPoints[j]),
                  1e-6);
    }
  }
}

TEST(SimilaritiesTest, TakeEveryOtherProxyAsANegative) {
  const ProxyBatch batch = ProxyBatchOf({0, 0}, {0, 120, 240}, {2, 0});
  EXPECT_TRUE(torch::equal(PositiveMask(batch), torch::tensor({{false, false, true}, {true, false, false}})));
  EXPECT_TRUE(torch::equal(NegativeMask(batch), PositiveMask(batch).logical_not()));
}

TEST(SimilaritiesTest, IgnoreTheOtherProxiesOfTheClass) {
  ProxyBatch batch = ProxyBatchOf({0, 0}, {0, 90, 180, 270}, {1, 2});
  batch.negatives = ProxiesOfOtherClasses{Labels({0, 1}), Labels({0, 0, 1, 1})};
  EXPECT_TRUE(torch::equal(NegativeMask(batch), torch::tensor({{false, false, true, true}, {true, true, false, false}})));
}

TEST(SimilaritiesTest, TakeNamedProxiesAloneAsNegativesAndNeverThePositive) {
  ProxyBatch batch = ProxyBatchOf({0, 0}, {0, 90, 180, 270}, {1, 2});
  batch.negatives = NamedProxies{Labels({3, 3, 2, 0}).view({2, 2})};
  EXPECT_TRUE(torch::equal(NegativeMask(batch), torch::tensor({{false, false, false, true}, {true, false, false, false}})));
}

TEST(SimilaritiesTest, GiveALossOfZeroWithGradientsOfZero) {
  const torch::Tensor embeddings = OnCircle({10, 20}).requires_grad_();
  const torch::Tensor loss = NothingToLearn(embeddings);
  loss.backward();
  EXPECT_EQ(loss.item<float>(), 0);
  EXPECT_TRUE(torch::equal(embeddings.grad(), torch::zeros({2, 2})));
}

}  // namespace
}  // namespace semblance::trainer
