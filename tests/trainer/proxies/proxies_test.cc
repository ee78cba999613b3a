#include "trainer/proxies/proxies.h"

#include <torch/torch.h>

#include <set>
#include <variant>
#include <vector>

#include "embedder/torch/networks.h"
#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::Labels;
using testing::OnCircle;
using v1::ProxyConfig;

ProxyConfig Config(double per_class, ProxyConfig::Assignment assignment = ProxyConfig::ASSIGNMENT_STATIC) {
  ProxyConfig config;
  config.set_per_class(per_class);
  config.set_assignment(assignment);
  return config;
}

// Proxies that belong to no class.
ProxyConfig FreeProxies(int count) {
  ProxyConfig config;
  config.set_count(count);
  config.set_assignment(ProxyConfig::ASSIGNMENT_DYNAMIC);
  return config;
}

Proxies New(const ProxyConfig& config, int64_t classes, int64_t dimension, uint64_t seed = 1) {
  torch::manual_seed(seed);
  return {config, classes, dimension, seed, torch::kCPU};
}

ProxyBatch Matched(const Proxies& proxies, const torch::Tensor& embeddings, const torch::Tensor& labels) {
  return proxies.Match(PairBatch{embeddings, labels});
}

TEST(ProxiesTest, StartAtUnitLengthInRandomDirections) {
  const Proxies proxies = New(Config(1), 500, 64);
  EXPECT_TRUE(torch::allclose(proxies.values().norm(2, 1), torch::ones({500})));
  EXPECT_TRUE(proxies.values().requires_grad());
  EXPECT_TRUE(proxies.values().is_leaf());
  // The mean of 500 independent directions has an expected length of 1 / sqrt(500) = 0.045.
  EXPECT_LT(proxies.values().mean(0).norm().item<float>(), 0.06);
}

TEST(ProxiesTest, RepeatThemselvesForAnEqualSeed) {
  EXPECT_TRUE(torch::equal(New(Config(1), 3, 4, 7).values(), New(Config(1), 3, 4, 7).values()));
  EXPECT_TRUE(torch::equal(New(Config(0.5), 100, 4, 7).shared_rows(), New(Config(0.5), 100, 4, 7).shared_rows()));
  EXPECT_FALSE(torch::equal(New(Config(0.5), 100, 4, 7).shared_rows(), New(Config(0.5), 100, 4, 8).shared_rows()));
}

TEST(ProxiesTest, ReturnToUnitLengthInTheSameDirection) {
  Proxies proxies = New(Config(1), 3, 4);
  const torch::Tensor before = proxies.values().detach().clone();
  {
    const torch::NoGradGuard no_grad;
    torch::Tensor(proxies.values()).mul_(5);
  }
  proxies.Renormalize();
  EXPECT_TRUE(torch::allclose(proxies.values(), before));
  EXPECT_TRUE(proxies.values().requires_grad());
}

TEST(ProxiesTest, AreAsManyAsTheConfigSays) {
  EXPECT_EQ(Proxies::Count(Config(1), 10), 10);
  EXPECT_EQ(Proxies::Count(Config(3), 10), 30);
  EXPECT_EQ(Proxies::Count(Config(0.25), 10), 3);
  EXPECT_EQ(Proxies::Count(Config(0.01), 10), 1);
  EXPECT_EQ(Proxies::Count(FreeProxies(7), 10), 7);
  EXPECT_EQ(Proxies::Count(FreeProxies(7), 0), 7);
}

TEST(ProxiesTest, TakeTheNearestOfTheClassAndLeaveItsOthersOut) {
  Proxies proxies = New(Config(2), 2, 2);
  proxies.Restore(OnCircle({0, 90, 180, 270}));
  const ProxyBatch batch = Matched(proxies, OnCircle({10, 80, 170, 100}), Labels({0, 0, 1, 1}));
  EXPECT_TRUE(torch::equal(batch.positives, Labels({0, 1, 2, 2})));
  const auto& classes = std::get<ProxiesOfOtherClasses>(batch.negatives);
  EXPECT_TRUE(torch::equal(classes.proxy_classes, Labels({0, 0, 1, 1})));
  EXPECT_TRUE(torch::equal(classes.example_classes, Labels({0, 0, 1, 1})));
}

TEST(ProxiesTest, DealOutSharedProxiesEvenlyAndUseThemAll) {
  const Proxies proxies = New(Config(0.25), 10, 4);
  const torch::Tensor rows = proxies.shared_rows();
  std::vector<int> classes_of(3, 0);
  for (int64_t c = 0; c < 10; ++c) {
    ++classes_of.at(static_cast<size_t>(rows[c].item<int64_t>()));
  }
  EXPECT_EQ(std::multiset<int>(classes_of.begin(), classes_of.end()), (std::multiset<int>{3, 3, 4}));
  const ProxyBatch batch = Matched(proxies, torch::randn({3, 4}), Labels({9, 0, 4}));
  EXPECT_TRUE(torch::equal(batch.positives, rows.index_select(0, Labels({9, 0, 4}))));
}

TEST(ProxiesTest, AreAssignedDynamicallyByTheNextExampleOfTheClass) {
  Proxies proxies = New(Config(1, ProxyConfig::ASSIGNMENT_DYNAMIC), 3, 2);
  proxies.Restore(OnCircle({0, 120, 240}));
  // Class 0 has examples at 10, 130 and 250 degrees, and each takes the next one's proxy. Class 1 has one example, at 130.
  const ProxyBatch batch = Matched(proxies, OnCircle({10, 130, 130, 250}), Labels({0, 1, 0, 0}));
  EXPECT_TRUE(torch::equal(batch.positives, Labels({1, 1, 2, 0})));
  EXPECT_TRUE(std::holds_alternative<AllOtherProxies>(batch.negatives));
}

TEST(ProxiesTest, AreAssignedDynamicallyInAnyNumber) {
  Proxies proxies = New(FreeProxies(2), 3, 2);
  proxies.Restore(OnCircle({0, 180}));
  const ProxyBatch batch = Matched(proxies, OnCircle({10, 170, 200, 350}), Labels({0, 0, 2, 2}));
  EXPECT_TRUE(torch::equal(batch.positives, Labels({1, 0, 0, 1})));
}

int64_t NearestOf(const testing::Angles& proxies, double angle) {
  const auto cosine = [&](int64_t row) { return testing::Cosine(proxies[static_cast<size_t>(row)], angle); };
  int64_t nearest = 0;
  for (int64_t i = 1; i < static_cast<int64_t>(proxies.size()); ++i) {
    nearest = cosine(i) > cosine(nearest) ? i : nearest;
  }
  return nearest;
}

TEST(ProxiesTest, OfTripletsAreThoseNearestToTheirExamplesOrTheExamplesWhereThatIsOneProxy) {
  const testing::Angles angles = {0, 50, 110, 200, 310};
  Proxies proxies = New(FreeProxies(5), 0, 2);
  proxies.Restore(OnCircle(angles));
  const testing::Angles positives = {1, 20, 30, 100, 260, 359, 205};
  const testing::Angles negatives = {180, 26, 24, 100, 250, 2, 230};
  const auto count = static_cast<int64_t>(positives.size());
  const TripletBatch triplets = {OnCircle(testing::Angles(positives.size(), 3)), (3 * OnCircle(positives)).requires_grad_(),
                                 (0.1 * OnCircle(negatives)).requires_grad_()};

  const ProxyBatch batch = proxies.Match(triplets);
  const torch::Tensor named = std::get<NamedProxies>(batch.negatives).rows;

  int undecided = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t positive = NearestOf(angles, positives[static_cast<size_t>(i)]);
    const int64_t negative = NearestOf(angles, negatives[static_cast<size_t>(i)]);
    undecided += positive == negative ? 1 : 0;
    EXPECT_EQ(batch.positives[i].item<int64_t>(), positive == negative ? 5 + i : positive) << i;
    EXPECT_EQ(named[i][0].item<int64_t>(), positive == negative ? 5 + count + i : negative) << i;
  }
  EXPECT_EQ(undecided, 3);
  ASSERT_EQ(batch.proxies.size(0), 5 + 2 * count);
  EXPECT_TRUE(torch::equal(batch.proxies.slice(0, 0, 5), proxies.values()));
  EXPECT_TRUE(torch::equal(batch.proxies.slice(0, 5, 5 + count), triplets.positives));
  batch.proxies.sum().backward();
  EXPECT_TRUE(proxies.values().grad().defined() && triplets.positives.grad().defined() && triplets.negatives.grad().defined());
}

TEST(ProxiesTest, StartAtExamplesEachOnceBeforeAnyAgain) {
  const torch::Tensor examples = OnCircle({0, 30, 80, 100, 200});
  const torch::Tensor center = examples.mean(0);
  const torch::Tensor expected = embedder::NormalizeRows(examples - center);

  Proxies three = New(FreeProxies(3), 0, 2);
  three.StartAtExamples(examples, center);
  const torch::Tensor cosines = three.values().detach().matmul(expected.t());
  EXPECT_TRUE(torch::allclose(std::get<0>(cosines.max(1)), torch::ones({3})));
  const torch::Tensor rows = cosines.argmax(1);
  EXPECT_EQ((std::set<int64_t>{rows[0].item<int64_t>(), rows[1].item<int64_t>(), rows[2].item<int64_t>()}).size(), 3u);

  Proxies ten = New(FreeProxies(10), 0, 2);
  ten.StartAtExamples(examples, center);
  const torch::Tensor near = ten.values().detach().matmul(expected.t()) > 0.9;
  EXPECT_GE(near.sum(0).min().item<int64_t>(), 2);
  EXPECT_TRUE(torch::allclose(ten.values().norm(2, 1), torch::ones({10})));
}

TEST(ProxiesTest, SampleNegativesBesidesThoseOfTheBatch) {
  ProxyConfig config = Config(1);
  config.set_sampled_negatives(20);
  const Proxies proxies = New(config, 1000, 4);
  const torch::Tensor labels = Labels({7, 999, 7});
  const ProxyBatch batch = Matched(proxies, torch::randn({3, 4}), labels);
  EXPECT_LE(batch.proxies.size(0), 22);
  EXPECT_GE(batch.proxies.size(0), 15);
  EXPECT_TRUE(torch::equal(batch.proxies.index_select(0, batch.positives), proxies.values().index_select(0, labels)));
  batch.proxies.sum().backward();
  EXPECT_EQ((proxies.values().grad().abs().sum(1) > 0).sum().item<int64_t>(), batch.proxies.size(0));
}

TEST(ProxiesTest, StartAtTheMeansOfTheirClasses) {
  const torch::Tensor means = torch::tensor({{1.0F, 1.0F}, {1.0F, 0.0F}, {1.0F, -1.0F}, {1.0F, 0.5F}});
  const torch::Tensor center = means.mean(0);
  const torch::Tensor expected = embedder::NormalizeRows(means - center);

  Proxies one = New(Config(1), 4, 2);
  one.StartAtClassMeans(means, center);
  EXPECT_TRUE(torch::allclose(one.values(), expected));

  Proxies two = New(Config(2), 4, 2);
  two.StartAtClassMeans(means, center);
  const torch::Tensor cosines = (two.values() * expected.repeat_interleave(2, 0)).sum(1);
  EXPECT_GT(cosines.min().item<float>(), 0.9);
  EXPECT_FALSE(torch::equal(two.values()[0], two.values()[1]));

  Proxies shared = New(Config(0.5), 4, 2);
  shared.StartAtClassMeans(means, center);
  EXPECT_TRUE(torch::allclose(shared.values().norm(2, 1), torch::ones({2})));
}

TEST(ProxiesTest, SayWhetherAnExampleIsNearestToItsClass) {
  Proxies proxies = New(Config(2), 2, 2);
  proxies.Restore(OnCircle({0, 90, 180, 270}));
  const torch::Tensor nearest = proxies.IsNearestToItsClass(OnCircle({80, 80, 200}), Labels({0, 1, 1}));
  EXPECT_TRUE(torch::equal(nearest, torch::tensor({true, false, true})));
}

}  // namespace
}  // namespace semblance::trainer
