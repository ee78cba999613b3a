#include "trainer/losses/proxy_nca.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using Denominator = ProxyNcaOptions::Denominator;
using testing::Labels;
using testing::OnCircle;

ProxyNcaOptions Options(Denominator denominator, double embedding_scale, double proxy_scale) {
  return {.denominator = denominator, .embedding_scale = embedding_scale, .proxy_scale = proxy_scale, .label_smoothing = 0};
}

torch::Tensor ComputeProxyNca(const torch::Tensor& embeddings, const torch::Tensor& proxies, const torch::Tensor& labels,
                              const ProxyNcaOptions& options) {
  return ProxyNcaLoss(options).Compute(testing::ProxyBatchOf(embeddings, proxies, labels));
}

// Computes the definition term by term from angles.
double SlowLoss(const std::vector<double>& embeddings, const std::vector<double>& proxies, const std::vector<int64_t>& labels,
                const ProxyNcaOptions& options) {
  const auto squared_distance = [&options](double x, double p) {
    const double dx = options.embedding_scale * std::cos(x * M_PI / 180) - options.proxy_scale * std::cos(p * M_PI / 180);
    const double dy = options.embedding_scale * std::sin(x * M_PI / 180) - options.proxy_scale * std::sin(p * M_PI / 180);
    return dx * dx + dy * dy;
  };
  double total = 0;
  for (size_t i = 0; i < embeddings.size(); ++i) {
    const auto positive = static_cast<size_t>(labels[i]);
    double sum = 0;
    for (size_t p = 0; p < proxies.size(); ++p) {
      if (p != positive || options.denominator == Denominator::kAll) {
        sum += std::exp(-squared_distance(embeddings[i], proxies[p]));
      }
    }
    total += squared_distance(embeddings[i], proxies[positive]) + std::log(sum);
  }
  return total / static_cast<double>(embeddings.size());
}

class ProxyNcaTest : public ::testing::TestWithParam<Denominator> {};

INSTANTIATE_TEST_SUITE_P(Denominators, ProxyNcaTest, ::testing::Values(Denominator::kNegatives, Denominator::kAll),
                         [](const auto& test) { return test.param == Denominator::kAll ? "All" : "Negatives"; });

TEST_P(ProxyNcaTest, AgreesWithTheDefinitionOnACircle) {
  const std::vector<double> embeddings = {0, 35, 100, 190, 300};
  const std::vector<double> proxies = {10, 95, 200};
  const std::vector<int64_t> labels = {0, 0, 1, 2, 1};
  for (const double embedding_scale : {1.0, 3.0}) {
    for (const double proxy_scale : {1.0, 2.0}) {
      const ProxyNcaOptions options = Options(GetParam(), embedding_scale, proxy_scale);

      const torch::Tensor loss = ComputeProxyNca(OnCircle(embeddings), OnCircle(proxies), Labels(labels), options);

      EXPECT_NEAR(loss.item<double>(), SlowLoss(embeddings, proxies, labels, options), 2e-5);
    }
  }
}

TEST_P(ProxyNcaTest, DoesNotDependOnTheLengthOfItsInputs) {
  const torch::Tensor embeddings = OnCircle({0, 35, 100});
  const torch::Tensor proxies = OnCircle({10, 95, 200});
  const ProxyNcaOptions options = Options(GetParam(), 3, 3);

  const torch::Tensor loss = ComputeProxyNca(embeddings, proxies, Labels({0, 1, 2}), options);

  EXPECT_NEAR(ComputeProxyNca(7 * embeddings, 0.1 * proxies, Labels({0, 1, 2}), options).item<double>(), loss.item<double>(), 1e-5);
}

TEST_P(ProxyNcaTest, HasTheGradientsOfFiniteDifferences) {
  const ProxyNcaOptions options = Options(GetParam(), 2, 1.5);
  torch::manual_seed(3);
  const torch::Tensor embeddings = torch::randn({4, 3}).requires_grad_();
  const torch::Tensor proxies = torch::randn({3, 3}).requires_grad_();
  const torch::Tensor labels = Labels({0, 2, 1, 2});
  ComputeProxyNca(embeddings, proxies, labels, options).backward();

  const torch::NoGradGuard no_grad;
  for (const torch::Tensor& input : {embeddings, proxies}) {
    for (int64_t i = 0; i < input.numel(); ++i) {
      constexpr float kStep = 1e-2F;
      const torch::Tensor value = input.view(-1)[i];
      value.add_(kStep);
      const double above = ComputeProxyNca(embeddings, proxies, labels, options).item<double>();
      value.sub_(2 * kStep);
      const double below = ComputeProxyNca(embeddings, proxies, labels, options).item<double>();
      value.add_(kStep);
      EXPECT_NEAR(input.grad().view(-1)[i].item<double>(), (above - below) / (2 * kStep), 3e-3);
    }
  }
}

TEST_P(ProxyNcaTest, StaysFiniteWhereExponentsWouldOverflow) {
  const torch::Tensor embeddings = OnCircle({0, 180}).requires_grad_();
  const ProxyNcaOptions options = Options(GetParam(), 30, 30);  // k = 1800, and exp(1800) overflows.

  const torch::Tensor loss = ComputeProxyNca(embeddings, OnCircle({0, 180}), Labels({0, 0}), options);
  loss.backward();

  EXPECT_TRUE(std::isfinite(loss.item<float>()));
  EXPECT_TRUE(torch::isfinite(embeddings.grad()).all().item<bool>());
}

TEST_P(ProxyNcaTest, TakesABatchOfOneAndEqualEmbeddings) {
  const ProxyNcaOptions options = Options(GetParam(), 3, 3);
  const torch::Tensor proxies = OnCircle({0, 90});

  const double one = ComputeProxyNca(OnCircle({20}), proxies, Labels({0}), options).item<double>();
  const double many = ComputeProxyNca(OnCircle({20, 20, 20}), proxies, Labels({0, 0, 0}), options).item<double>();

  EXPECT_NEAR(one, many, 1e-5);
}

TEST_P(ProxyNcaTest, StaysFiniteForAZeroEmbeddingAndEqualProxies) {
  const torch::Tensor embeddings = torch::zeros({2, 2}).requires_grad_();

  const torch::Tensor loss = ComputeProxyNca(embeddings, OnCircle({45, 45}), Labels({0, 1}), Options(GetParam(), 3, 3));
  loss.backward();

  EXPECT_NEAR(loss.item<double>(), GetParam() == Denominator::kAll ? std::log(2.0) : 0, 1e-6);
  EXPECT_TRUE(torch::isfinite(embeddings.grad()).all().item<bool>());
}

TEST(ProxyNcaFormsTest, OnlyThePapersFormCanBeNegative) {
  const torch::Tensor embeddings = OnCircle({0, 180});
  const torch::Tensor proxies = OnCircle({0, 180});

  EXPECT_NEAR(ComputeProxyNca(embeddings, proxies, Labels({0, 1}), Options(Denominator::kNegatives, 1, 1)).item<double>(), -4,
              1e-5);
  EXPECT_GT(ComputeProxyNca(embeddings, proxies, Labels({0, 1}), Options(Denominator::kAll, 1, 1)).item<double>(), 0);
}

// The floors are the loss of embeddings that lie on their proxies, which form a regular simplex: no embedding can do better.
// `chance` is the loss when all proxies are at one point, so that the embedding says nothing about the class.
struct KnownValues {
  int64_t classes;
  double k;
  double chance;
  double floor_all;
  double floor_negatives;
};

class KnownValuesTest : public ::testing::TestWithParam<KnownValues> {};

INSTANTIATE_TEST_SUITE_P(ProxyNca, KnownValuesTest,
                         ::testing::Values(KnownValues{100, 2, 4.605, 2.648, 2.575}, KnownValues{100, 18, 4.605, 1.26e-6, -13.587},
                                           KnownValues{11318, 2, 9.334, 7.335, 7.334},
                                           KnownValues{11318, 18, 9.334, 1.7e-4, -8.668}),
                         [](const auto& test) { return absl::StrCat("C", test.param.classes, "K", test.param.k); });

TEST_P(KnownValuesTest, AgreeToThreeDigits) {
  const KnownValues& known = GetParam();
  const double scale = std::sqrt(known.k / 2);
  // One row of the cosines of a simplex is enough: the embedding has the cosine 1 with its own proxy and -1 / (C - 1) with all
  // others. The others need not be at the angles of a simplex to each other.
  const double cosine = -1.0 / static_cast<double>(known.classes - 1);
  torch::Tensor proxies = torch::tensor({{cosine, std::sqrt(1 - cosine * cosine)}}, torch::kFloat32).repeat({known.classes, 1});
  proxies[0] = torch::tensor({1.0F, 0.0F});
  const torch::Tensor embedding = torch::tensor({{1.0F, 0.0F}});
  const auto loss = [&](const torch::Tensor& points, Denominator denominator) {
    return ComputeProxyNca(embedding, points, Labels({0}), Options(denominator, scale, scale)).item<double>();
  };

  EXPECT_NEAR(loss(torch::ones_like(proxies), Denominator::kAll), known.chance, 6e-4);
  EXPECT_NEAR(loss(proxies, Denominator::kNegatives), known.floor_negatives, 6e-4);
  EXPECT_NEAR(loss(proxies, Denominator::kAll), known.floor_all, 6e-4);
}

TEST(ProxyNcaFormsTest, ReachesTheFloorOnARegularSimplex) {
  // The corners are unit vectors minus their mean.
  const torch::Tensor corners = torch::eye(100) - 0.01;
  const torch::Tensor labels = torch::arange(100);

  EXPECT_NEAR(ComputeProxyNca(corners, corners, labels, Options(Denominator::kAll, 1, 1)).item<double>(), 2.648, 6e-4);
  EXPECT_NEAR(ComputeProxyNca(corners, corners, labels, Options(Denominator::kNegatives, 3, 3)).item<double>(), -13.587, 6e-4);
}

// The paper's loss of a triplet: -log of exp(-d(x, p(y))) over exp(-d(x, p(z))), or over the sum of both.
TEST(ProxyNcaFormsTest, CompareWithTheNamedProxiesOnly) {
  ProxyBatch batch = testing::ProxyBatchOf({10, 80}, {0, 60, 150, 270}, {0, 2});
  batch.negatives = NamedProxies{Labels({1, 3}).view({2, 1})};
  const double first = testing::SquaredDistance(10, 0) - testing::SquaredDistance(10, 60);
  const double second = testing::SquaredDistance(80, 150) - testing::SquaredDistance(80, 270);

  EXPECT_NEAR(ProxyNcaLoss(Options(Denominator::kAll, 2, 2)).Compute(batch).item<double>(),
              (std::log1p(std::exp(4 * first)) + std::log1p(std::exp(4 * second))) / 2, 1e-5);
  EXPECT_NEAR(ProxyNcaLoss(Options(Denominator::kNegatives, 2, 2)).Compute(batch).item<double>(), (4 * first + 4 * second) / 2,
              1e-5);
}

TEST(ProxyNcaFormsTest, CountAnExampleWithoutNegativesAsZero) {
  ProxyBatch batch = testing::ProxyBatchOf({10, 80}, {0, 60}, {0, 1});
  batch.negatives = NamedProxies{Labels({1, 1}).view({2, 1})};
  batch.embeddings.requires_grad_();

  const torch::Tensor loss = ProxyNcaLoss(Options(Denominator::kNegatives, 1, 1)).Compute(batch);
  loss.backward();

  EXPECT_NEAR(loss.item<double>(), (testing::SquaredDistance(10, 0) - testing::SquaredDistance(10, 60)) / 2, 1e-5);
  EXPECT_EQ(batch.embeddings.grad()[1].norm().item<float>(), 0);
}

}  // namespace
}  // namespace semblance::trainer
