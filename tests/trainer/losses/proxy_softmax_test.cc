#include "trainer/losses/proxy_softmax.h"

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <variant>

#include "embedder/torch/networks.h"
#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::Cosine;
using testing::kClassNumbers;
using testing::kPoints;
using testing::kProxyPoints;
using testing::Labels;
using testing::ProxyBatchOf;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class ProxySoftmaxTest : public ::testing::Test {
 protected:
  struct Result {
    torch::Tensor values;
    torch::Tensor embeddings_gradient;
    torch::Tensor proxies_gradient;
  };

  static constexpr double kScale = 7;

  // Three proxies for each of four classes. The positive of an example is the second of its class.
  ProxyBatch NewBatch() const {
    torch::manual_seed(2);
    const torch::Tensor labels = Labels({0, 3, 1, 1, 2});
    ProxyBatch batch = ProxyBatchOf(torch::randn({5, 4}), 3 * torch::randn({12, 4}), 3 * labels + 1);
    batch.negatives = ProxiesOfOtherClasses{labels, torch::arange(4).repeat_interleave(3)};
    batch.embeddings.requires_grad_();
    batch.proxies.requires_grad_();
    return batch;
  }

  static Result Run(const ProxyBatch& batch, const std::function<torch::Tensor(const torch::Tensor&)>& function) {
    const torch::Tensor values = function(embedder::NormalizeRows(batch.embeddings));
    (values * torch::tensor({1.0F, -2.0F, 0.5F, 3.0F, 1.0F})).sum().backward();
    return {values.detach(), batch.embeddings.grad(), batch.proxies.grad()};
  }

  // Computes the sums on the whole matrix, and their gradients by autograd.
  static torch::Tensor Dense(const ProxyBatch& batch, const torch::Tensor& unit, bool negatives_only) {
    const auto& classes = std::get<ProxiesOfOtherClasses>(batch.negatives);
    const torch::Tensor similarities = kScale * unit.matmul(embedder::NormalizeRows(batch.proxies).t());
    const torch::Tensor is_positive = torch::one_hot(batch.positives, batch.proxies.size(0)).to(torch::kBool);
    const torch::Tensor same = classes.proxy_classes.unsqueeze(0) == classes.example_classes.unsqueeze(1);
    const torch::Tensor left_out = negatives_only ? same : same.logical_and(is_positive.logical_not());
    return similarities.masked_fill(left_out, -kInfinity).logsumexp(1);
  }
};

TEST_F(ProxySoftmaxTest, IsTheSameInChunksOfAnySize) {
  for (const bool negatives_only : {false, true}) {
    const ProxyBatch expected_batch = NewBatch();
    const Result expected =
        Run(expected_batch, [&](const torch::Tensor& unit) { return Dense(expected_batch, unit, negatives_only); });
    for (const int64_t chunk_rows : {1, 3, 5, 12, 100}) {
      const ProxyBatch batch = NewBatch();
      const Result result = Run(batch, [&](const torch::Tensor& unit) {
        return ProxyLogSumExp(unit, batch, {.scale = kScale, .negatives_only = negatives_only, .chunk_rows = chunk_rows});
      });
      EXPECT_TRUE(torch::allclose(result.values, expected.values, 1e-5, 1e-5)) << chunk_rows;
      EXPECT_TRUE(torch::allclose(result.embeddings_gradient, expected.embeddings_gradient, 1e-4, 1e-5)) << chunk_rows;
      EXPECT_TRUE(torch::allclose(result.proxies_gradient, expected.proxies_gradient, 1e-4, 1e-5)) << chunk_rows;
    }
  }
}

TEST_F(ProxySoftmaxTest, SumsOnlyTheNegativesThatTheBatchNames) {
  ProxyBatch batch = ProxyBatchOf({0, 100}, {10, 90, 200}, {0, 1});
  batch.negatives = NamedProxies{Labels({1, 2, 1, 2}).view({2, 2})};  // The second example's positive is named as well.

  const torch::Tensor unit = embedder::NormalizeRows(batch.embeddings);
  const torch::Tensor negatives = ProxyLogSumExp(unit, batch, {.scale = 3, .negatives_only = true});
  const torch::Tensor all = ProxyLogSumExp(unit, batch, {.scale = 3, .negatives_only = false});

  const auto term = [](double x, double p) { return std::exp(3 * Cosine(x, p)); };
  EXPECT_NEAR(negatives[0].item<double>(), std::log(term(0, 90) + term(0, 200)), 1e-5);
  EXPECT_NEAR(negatives[1].item<double>(), std::log(term(100, 200)), 1e-5);
  EXPECT_NEAR(all[0].item<double>(), std::log(term(0, 90) + term(0, 200) + term(0, 10)), 1e-5);
  EXPECT_NEAR(all[1].item<double>(), std::log(term(100, 200) + term(100, 90)), 1e-5);
}

// The three ways in which a batch can say that its second example has no negatives.
ProxyBatch BatchWithAnExampleWithoutNegatives(int way) {
  ProxyBatch batch = ProxyBatchOf({0, 100}, {10, 90}, {0, 1});
  if (way == 0) {
    batch.negatives = NamedProxies{Labels({1, 1}).view({2, 1})};
  } else if (way == 1) {
    batch.negatives = ProxiesOfOtherClasses{Labels({0, 1}), Labels({1, 1})};
  } else {
    batch = ProxyBatchOf({100, 100}, {90}, {0, 0});
  }
  batch.embeddings.requires_grad_();
  batch.proxies.requires_grad_();
  return batch;
}

TEST_F(ProxySoftmaxTest, IsMinusInfinityWithoutGradientsWhereNothingIsSummed) {
  for (const int way : {0, 1, 2}) {
    const ProxyBatch batch = BatchWithAnExampleWithoutNegatives(way);

    const torch::Tensor total =
        ProxyLogSumExp(embedder::NormalizeRows(batch.embeddings), batch, {.scale = 3, .negatives_only = true});
    total[1].backward();

    EXPECT_EQ(total[1].item<float>(), -kInfinity) << way;
    EXPECT_TRUE(torch::equal(batch.embeddings.grad(), torch::zeros_like(batch.embeddings))) << way;
    EXPECT_TRUE(torch::equal(batch.proxies.grad(), torch::zeros_like(batch.proxies))) << way;
  }
}

TEST_F(ProxySoftmaxTest, IsThePositiveAloneWhereThereAreNoNegatives) {
  for (const int way : {0, 1, 2}) {
    const ProxyBatch batch = BatchWithAnExampleWithoutNegatives(way);
    const torch::Tensor unit = embedder::NormalizeRows(batch.embeddings);

    const torch::Tensor total = ProxyLogSumExp(unit, batch, {.scale = 3, .negatives_only = false});
    (total - PositiveSimilarities(unit, batch, 3))[1].backward();

    EXPECT_NEAR(total[1].item<double>(), 3 * Cosine(100, 90), 1e-5) << way;
    EXPECT_TRUE(torch::allclose(batch.embeddings.grad(), torch::zeros_like(batch.embeddings), 0, 1e-6)) << way;
    EXPECT_TRUE(torch::allclose(batch.proxies.grad(), torch::zeros_like(batch.proxies), 0, 1e-6)) << way;
  }
}

TEST_F(ProxySoftmaxTest, ComparesEachExampleWithItsPositive) {
  const ProxyBatch batch = ProxyBatchOf(kPoints, kProxyPoints, kClassNumbers);

  const torch::Tensor similarities = PositiveSimilarities(batch.embeddings, batch, 4);

  for (size_t i = 0; i < kPoints.size(); ++i) {
    const double expected = 4 * Cosine(kPoints[i], kProxyPoints[static_cast<size_t>(kClassNumbers[i])]);
    EXPECT_NEAR(similarities[static_cast<int64_t>(i)].item<double>(), expected, 1e-5) << i;
  }
}

}  // namespace
}  // namespace semblance::trainer
