// What holds for every loss, and each against slow loops over angles.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "config/config_override.h"
#include "config/training_config.h"
#include "embedder/torch/networks.h"
#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"
#include "trainer/losses/lifted_structure.h"
#include "trainer/losses/loss.h"
#include "trainer/losses/n_pairs.h"
#include "trainer/losses/normalized_softmax.h"
#include "trainer/losses/proxy_anchor.h"
#include "trainer/losses/proxy_nca.h"
#include "trainer/losses/proxy_softmax.h"
#include "trainer/losses/proxy_triplet.h"
#include "trainer/losses/soft_triple.h"
#include "trainer/losses/triplet.h"

namespace semblance::trainer {
namespace {

using testing::Angles;
using testing::Batch;
using testing::Cosine;
using testing::Labels;
using testing::Numbers;
using testing::OnCircle;
using testing::PairBatch;
using testing::SquaredDistance;

std::unique_ptr<Loss> LossOf(const std::string& assignment) {
  v1::TrainingConfig config;
  EXPECT_TRUE(config::ApplyOverride(assignment, &config).ok()) << assignment;
  return NewLoss(config::WithDefaults(config).loss());
}

// Every loss, by a field of its config.
class EveryLossTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Two examples of each of three classes, in three dimensions.
  LossBatch RandomBatch() const {
    torch::manual_seed(5);
    LossBatch batch = Batch(torch::randn({6, 3}), torch::randn({3, 3}), Labels({0, 2, 1, 1, 0, 2}));
    batch.embeddings.requires_grad_();
    batch.proxies.requires_grad_();
    return batch;
  }

  const std::unique_ptr<Loss> loss_ = LossOf(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Losses, EveryLossTest,
                         ::testing::Values("loss.proxy_nca.denominator=DENOMINATOR_NEGATIVES",
                                           "loss.proxy_nca.denominator=DENOMINATOR_ALL", "loss.proxy_triplet.margin=0.5",
                                           "loss.proxy_anchor.scale=8", "loss.soft_triple.scale=5",
                                           "loss.normalized_softmax.temperature=0.2", "loss.triplet.margin=0.4",
                                           "loss.triplet.mining=MINING_HARD", "loss.triplet.mining=MINING_ALL",
                                           "loss.n_pairs.scale=4", "loss.lifted_structure.margin=1"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST_P(EveryLossTest, HasTheGradientsOfFiniteDifferences) {
  const LossBatch batch = RandomBatch();
  loss_->Compute(batch).backward();
  const torch::NoGradGuard no_grad;
  for (const torch::Tensor& input : {batch.embeddings, batch.proxies}) {
    for (int64_t i = 0; i < input.numel(); ++i) {
      constexpr float kStep = 3e-3F;
      const torch::Tensor value = input.view(-1)[i];
      value.add_(kStep);
      const double above = loss_->Compute(batch).item<double>();
      value.sub_(2 * kStep);
      const double below = loss_->Compute(batch).item<double>();
      value.add_(kStep);
      const double gradient = input.grad().defined() ? input.grad().view(-1)[i].item<double>() : 0;
      EXPECT_NEAR(gradient, (above - below) / (2 * kStep), 4e-3 * (1 + std::fabs(gradient))) << i;
    }
  }
}

TEST_P(EveryLossTest, DoesNotDependOnTheLengthOfItsInputs) {
  const torch::NoGradGuard no_grad;
  const LossBatch batch = RandomBatch();
  const LossBatch longer = Batch(7 * batch.embeddings, 0.1 * batch.proxies, batch.labels);
  EXPECT_NEAR(loss_->Compute(longer).item<double>(), loss_->Compute(batch).item<double>(), 1e-4);
}

TEST_P(EveryLossTest, StaysFiniteForDegenerateBatches) {
  const std::vector<std::pair<torch::Tensor, Numbers>> batches = {
      {OnCircle({20}), {0}},                 // One example.
      {OnCircle({20, 60, 100}), {0, 1, 2}},  // No pairs.
      {OnCircle({20, 60, 100}), {1, 1, 1}},  // One class.
      {OnCircle({20, 20, 20}), {0, 0, 1}},   // Equal embeddings.
      {torch::zeros({3, 2}), {0, 0, 1}},     // No direction.
      {OnCircle({0, 180, 180, 0}), {0, 0, 1, 1}},
  };
  for (const Angles& proxies : {Angles{0, 120, 240}, Angles{45, 45, 45}}) {
    for (const auto& [embeddings, labels] : batches) {
      LossBatch batch = Batch(embeddings.clone().requires_grad_(), OnCircle(proxies).requires_grad_(), Labels(labels));
      const torch::Tensor loss = loss_->Compute(batch);
      loss.backward();
      EXPECT_TRUE(std::isfinite(loss.item<float>())) << labels.size();
      EXPECT_TRUE(torch::isfinite(batch.embeddings.grad()).all().item<bool>()) << embeddings;
      EXPECT_TRUE(!batch.proxies.grad().defined() || torch::isfinite(batch.proxies.grad()).all().item<bool>());
    }
  }
}

TEST_P(EveryLossTest, IsSmallerForEmbeddingsAtTheirProxies) {
  const Numbers labels = {0, 1, 2, 0, 1, 2};
  const LossBatch good = Batch({0, 120, 240, 5, 125, 235}, {0, 120, 240}, labels);
  const LossBatch bad = Batch({0, 120, 240, 100, 10, 140}, {0, 120, 240}, labels);
  EXPECT_LT(loss_->Compute(good).item<double>(), loss_->Compute(bad).item<double>());
}

const Angles kPoints = {0, 25, 80, 140, 207, 313};
const Angles kProxyPoints = {10, 90, 215};
const Numbers kClassNumbers = {0, 0, 1, 1, 2, 2};

TEST(UsesProxiesTest, SaysOfEveryConfigWhatItsLossSays) {
  for (const char* const field : {"proxy_nca", "proxy_triplet", "proxy_anchor", "soft_triple", "normalized_softmax", "triplet",
                                  "n_pairs", "lifted_structure"}) {
    v1::LossConfig config;
    config.GetReflection()->MutableMessage(&config, config.GetDescriptor()->FindFieldByName(field));
    EXPECT_EQ(config::UsesProxies(config), NewLoss(config)->uses_proxies()) << field;
  }
}

TEST(ProxyTripletTest, EqualsSlowLoops) {
  for (const double margin : {0.1, 1.0, 4.0}) {
    double total = 0;
    for (size_t i = 0; i < kPoints.size(); ++i) {
      for (size_t p = 0; p < kProxyPoints.size(); ++p) {
        const double own = SquaredDistance(kPoints[i], kProxyPoints[static_cast<size_t>(kClassNumbers[i])]);
        total += static_cast<int64_t>(p) == kClassNumbers[i]
                     ? 0
                     : std::max(0.0, own + margin - SquaredDistance(kPoints[i], kProxyPoints[p]));
      }
    }
    EXPECT_NEAR(ProxyTripletLoss(margin).Compute(Batch(kPoints, kProxyPoints, kClassNumbers)).item<double>(), total / 6, 1e-5);
  }
}

TEST(ProxyAnchorTest, EqualsSlowLoopsAndCountsOnlyProxiesWithPositives) {
  for (const Numbers& labels : {kClassNumbers, Numbers{0, 0, 2, 2, 2, 0}}) {
    const double scale = 8;
    const double margin = 0.1;
    double pull = 0;
    double push = 0;
    int with_positives = 0;
    for (size_t p = 0; p < kProxyPoints.size(); ++p) {
      double near = 0;
      double far = 0;
      for (size_t i = 0; i < kPoints.size(); ++i) {
        const double cosine = Cosine(kPoints[i], kProxyPoints[p]);
        (labels[i] == static_cast<int64_t>(p) ? near : far) +=
            labels[i] == static_cast<int64_t>(p) ? std::exp(-scale * (cosine - margin)) : std::exp(scale * (cosine + margin));
      }
      with_positives += near > 0 ? 1 : 0;
      pull += std::log(1 + near);
      push += std::log(1 + far);
    }
    EXPECT_NEAR(ProxyAnchorLoss(scale, margin).Compute(Batch(kPoints, kProxyPoints, labels)).item<double>(),
                pull / with_positives + push / 3, 1e-4);
  }
}

TEST(ProxyAnchorTest, DoesNotOverflowAtTheScaleOfThePaper) {
  const LossBatch batch = Batch({180, 0}, {0, 180}, {0, 1});
  EXPECT_NEAR(ProxyAnchorLoss(32, 0.1).Compute(batch).item<double>(), 32 * 1.1 + 32 * 1.1, 1e-3);
}

TEST(NormalizedSoftmaxTest, IsProxyNcaWithThePositiveInTheDenominator) {
  const LossBatch batch = Batch(kPoints, kProxyPoints, kClassNumbers);
  EXPECT_NEAR(NormalizedSoftmaxLoss(1.0 / 18, 0).Compute(batch).item<double>(), ProxyNcaLoss({}).Compute(batch).item<double>(),
              1e-6);
}

TEST(LabelSmoothingTest, EqualsSlowLoops) {
  const double smoothing = 0.2;
  const double scale = 5;
  double total = 0;
  for (size_t i = 0; i < kPoints.size(); ++i) {
    double sum = 0;
    for (const double proxy : kProxyPoints) {
      sum += std::exp(scale * Cosine(kPoints[i], proxy));
    }
    for (size_t p = 0; p < kProxyPoints.size(); ++p) {
      const double weight = smoothing / 3 + (static_cast<int64_t>(p) == kClassNumbers[i] ? 1 - smoothing : 0);
      total -= weight * (scale * Cosine(kPoints[i], kProxyPoints[p]) - std::log(sum));
    }
  }
  const LossBatch batch = Batch(kPoints, kProxyPoints, kClassNumbers);
  EXPECT_NEAR(NormalizedSoftmaxLoss(1 / scale, smoothing).Compute(batch).item<double>(), total / 6, 1e-5);
}

TEST(SoftTripleTest, EqualsSlowLoops) {
  const Angles centers = {10, 40, 90, 130, 200, 300};  // Two for each class.
  const SoftTripleOptions options = {.scale = 6, .temperature = 0.3, .margin = 0.05, .regularization = 0.2, .label_smoothing = 0};
  double total = 0;
  for (size_t i = 0; i < kPoints.size(); ++i) {
    std::vector<double> similarities;
    for (size_t c = 0; c < 3; ++c) {
      const double first = Cosine(kPoints[i], centers[2 * c]);
      const double second = Cosine(kPoints[i], centers[2 * c + 1]);
      const double weight = 1 / (1 + std::exp((second - first) / options.temperature));
      similarities.push_back(weight * first + (1 - weight) * second);
    }
    double sum = 0;
    for (size_t c = 0; c < 3; ++c) {
      sum += std::exp(options.scale * (similarities[c] - (static_cast<int64_t>(c) == kClassNumbers[i] ? options.margin : 0)));
    }
    total += std::log(sum) - options.scale * (similarities[static_cast<size_t>(kClassNumbers[i])] - options.margin);
  }
  double spread = 0;
  for (size_t c = 0; c < 3; ++c) {
    spread += std::sqrt(2 - 2 * Cosine(centers[2 * c], centers[2 * c + 1]) + 1e-5) / (3 * 2 * 1);
  }
  LossBatch batch = Batch(kPoints, centers, kClassNumbers);
  batch.proxy_classes = Labels({0, 0, 1, 1, 2, 2});
  EXPECT_NEAR(SoftTripleLoss(options).Compute(batch).item<double>(), total / 6 + 0.2 * spread, 1e-5);
}

TEST(GivenTripletsTest, AreTheTermsOfTheTripletLossInPlaceOfMining) {
  const Angles anchors = {0, 40, 200, 90};
  const Angles positives = {30, 100, 210, 90};
  const Angles negatives = {50, 60, 20, 91};
  constexpr double kMargin = 0.3;
  double sum = 0;
  int violated = 0;
  for (size_t i = 0; i < anchors.size(); ++i) {
    const double term = SquaredDistance(anchors[i], positives[i]) + kMargin - SquaredDistance(anchors[i], negatives[i]);
    sum += std::max(term, 0.0);
    violated += term > 0 ? 1 : 0;
  }
  ASSERT_EQ(violated, 2);
  LossBatch batch;
  batch.embeddings = (2 * OnCircle(anchors)).requires_grad_();
  batch.positive_examples = OnCircle(positives).requires_grad_();
  batch.negative_examples = OnCircle(negatives).requires_grad_();

  const torch::Tensor loss = TripletLoss(TripletLoss::Mining::kAll, kMargin).Compute(batch);
  loss.backward();

  EXPECT_NEAR(loss.item<double>(), sum / violated, 1e-5);
  for (const torch::Tensor& rows : {batch.embeddings, batch.positive_examples, batch.negative_examples}) {
    EXPECT_GT(rows.grad()[1].norm().item<float>(), 0);
    EXPECT_EQ(rows.grad()[2].norm().item<float>(), 0);
  }
}

// The paper's loss of triplets: -log of exp(-d(x, p(y))) over exp(-d(x, p(z))), or over both.
TEST(GivenTripletsTest, CompareTheAnchorWithTheTwoProxiesAlone) {
  const Angles anchors = {10, 80};
  const Angles proxies = {0, 60, 150, 270};
  LossBatch batch;
  batch.embeddings = OnCircle(anchors);
  batch.proxies = OnCircle(proxies);
  batch.positives = Labels({0, 2});
  batch.negatives = Labels({1, 3}).view({2, 1});
  const auto terms = [&](const std::function<double(double to_positive, double to_negative)>& term) {
    return (term(SquaredDistance(10, 0), SquaredDistance(10, 60)) + term(SquaredDistance(80, 150), SquaredDistance(80, 270))) / 2;
  };

  ProxyNcaOptions options;
  options.embedding_scale = options.proxy_scale = 2;
  EXPECT_NEAR(ProxyNcaLoss(options).Compute(batch).item<double>(),
              terms([](double y, double z) { return std::log1p(std::exp(4 * (y - z))); }), 1e-5);
  options.denominator = ProxyNcaOptions::Denominator::kNegatives;
  EXPECT_NEAR(ProxyNcaLoss(options).Compute(batch).item<double>(), terms([](double y, double z) { return 4 * (y - z); }), 1e-5);
  EXPECT_NEAR(ProxyTripletLoss(0.5).Compute(batch).item<double>(),
              terms([](double y, double z) { return std::max(0.0, y + 0.5 - z); }), 1e-5);
}

// Triplet losses: fn(anchor, positive) -> the negatives that count.
struct Triplets {
  double sum = 0;
  int count = 0;
  int active = 0;

  void Add(double term) {
    sum += std::max(0.0, term);
    ++count;
    active += term > 0 ? 1 : 0;
  }
};

TEST(TripletTest, TakesForEachPairTheNearestNegativeBeyondThePositive) {
  const double margin = 0.4;
  Triplets slow;
  for (size_t x = 0; x < 6; ++x) {
    for (size_t y = 0; y < 6; ++y) {
      if (x == y || kClassNumbers[x] != kClassNumbers[y]) {
        continue;
      }
      const double to_positive = SquaredDistance(kPoints[x], kPoints[y]);
      double nearest_beyond = std::numeric_limits<double>::infinity();
      double farthest = 0;
      for (size_t z = 0; z < 6; ++z) {
        const double to_other = SquaredDistance(kPoints[x], kPoints[z]);
        if (kClassNumbers[z] != kClassNumbers[x]) {
          farthest = std::max(farthest, to_other);
          nearest_beyond = to_other > to_positive ? std::min(nearest_beyond, to_other) : nearest_beyond;
        }
      }
      slow.Add(to_positive + margin - (std::isfinite(nearest_beyond) ? nearest_beyond : farthest));
    }
  }
  EXPECT_NEAR(TripletLoss(TripletLoss::Mining::kSemiHard, margin).Compute(PairBatch(kPoints, kClassNumbers)).item<double>(),
              slow.sum / slow.count, 1e-5);
}

TEST(TripletTest, TakesTheHardestOrAllThatViolateTheMargin) {
  const double margin = 0.4;
  Triplets all;
  Triplets hard;
  for (size_t x = 0; x < 6; ++x) {
    double farthest_same = 0;
    double nearest_other = 4;
    for (size_t y = 0; y < 6; ++y) {
      const double distance = SquaredDistance(kPoints[x], kPoints[y]);
      if (kClassNumbers[x] != kClassNumbers[y]) {
        nearest_other = std::min(nearest_other, distance);
        continue;
      }
      farthest_same = std::max(farthest_same, distance);
      for (size_t z = 0; x != y && z < 6; ++z) {
        if (kClassNumbers[z] != kClassNumbers[x]) {
          all.Add(distance + margin - SquaredDistance(kPoints[x], kPoints[z]));
        }
      }
    }
    hard.Add(farthest_same + margin - nearest_other);
  }
  const LossBatch batch = PairBatch(kPoints, kClassNumbers);
  EXPECT_NEAR(TripletLoss(TripletLoss::Mining::kHard, margin).Compute(batch).item<double>(), hard.sum / hard.count, 1e-5);
  EXPECT_NEAR(TripletLoss(TripletLoss::Mining::kAll, margin).Compute(batch).item<double>(), all.sum / all.active, 1e-5);
}

TEST(NPairsTest, EqualsSlowLoopsOverDisjointPairs) {
  const double scale = 3;
  double total = 0;
  for (size_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (size_t j = 0; j < 3; ++j) {
      sum += std::exp(scale * (Cosine(kPoints[2 * i], kPoints[2 * j + 1]) - Cosine(kPoints[2 * i], kPoints[2 * i + 1])));
    }
    total += std::log(sum);
  }
  EXPECT_NEAR(NPairsLoss(scale).Compute(PairBatch(kPoints, kClassNumbers)).item<double>(), total / 3, 1e-5);
}

TEST(NPairsTest, TreatsAnotherPairOfTheClassAsNoNegative) {
  const LossBatch pairs = PairBatch({0, 10, 20, 30}, {0, 0, 0, 0});
  EXPECT_NEAR(NPairsLoss(3).Compute(pairs).item<double>(), 0, 1e-6);
}

TEST(LiftedStructureTest, EqualsSlowLoops) {
  const double margin = 1;
  const auto distance = [](size_t x, size_t y) { return std::sqrt(SquaredDistance(kPoints[x], kPoints[y])); };
  double total = 0;
  int pairs = 0;
  for (size_t x = 0; x < 6; ++x) {
    for (size_t y = x + 1; y < 6; ++y) {
      if (kClassNumbers[x] != kClassNumbers[y]) {
        continue;
      }
      double sum = 0;
      for (size_t z = 0; z < 6; ++z) {
        sum += kClassNumbers[z] == kClassNumbers[x] ? 0 : std::exp(margin - distance(x, z)) + std::exp(margin - distance(y, z));
      }
      total += std::pow(std::max(0.0, distance(x, y) + std::log(sum)), 2);
      ++pairs;
    }
  }
  EXPECT_NEAR(LiftedStructureLoss(margin).Compute(PairBatch(kPoints, kClassNumbers)).item<double>(), total / (2 * pairs), 1e-4);
}

class ProxySoftmaxTest : public ::testing::Test {
 protected:
  struct Result {
    torch::Tensor values;
    torch::Tensor embeddings_gradient;
    torch::Tensor proxies_gradient;
  };

  static constexpr double kScale = 7;

  LossBatch NewBatch() const {
    torch::manual_seed(2);
    LossBatch batch = Batch(torch::randn({5, 4}), 3 * torch::randn({12, 4}), Labels({0, 3, 1, 1, 2}));
    batch.proxy_classes = torch::arange(4).repeat_interleave(3);
    batch.positives = 3 * batch.labels + 1;
    batch.embeddings.requires_grad_();
    batch.proxies.requires_grad_();
    return batch;
  }

  static Result Run(const LossBatch& batch, const std::function<torch::Tensor(const torch::Tensor&)>& function) {
    const torch::Tensor values = function(embedder::NormalizeRows(batch.embeddings));
    (values * torch::tensor({1.0F, -2.0F, 0.5F, 3.0F, 1.0F})).sum().backward();
    return {values.detach(), batch.embeddings.grad(), batch.proxies.grad()};
  }

  // By autograd, on the whole matrix.
  static torch::Tensor Dense(const LossBatch& batch, const torch::Tensor& unit, bool negatives_only) {
    const torch::Tensor similarities = kScale * unit.matmul(embedder::NormalizeRows(batch.proxies).t());
    const torch::Tensor is_positive = torch::one_hot(batch.positives, batch.proxies.size(0)).to(torch::kBool);
    const torch::Tensor same = batch.proxy_classes.unsqueeze(0) == batch.labels.unsqueeze(1);
    const torch::Tensor left_out = negatives_only ? same : same.logical_and(is_positive.logical_not());
    return similarities.masked_fill(left_out, -std::numeric_limits<float>::infinity()).logsumexp(1);
  }
};

TEST_F(ProxySoftmaxTest, IsTheSameInChunksOfAnySize) {
  for (const bool negatives_only : {false, true}) {
    const LossBatch expected_batch = NewBatch();
    const Result expected =
        Run(expected_batch, [&](const torch::Tensor& unit) { return Dense(expected_batch, unit, negatives_only); });
    for (const int64_t chunk_rows : {1, 3, 5, 12, 100}) {
      const LossBatch batch = NewBatch();
      const Result result = Run(batch, [&](const torch::Tensor& unit) {
        return ProxyLogSumExp(unit, batch, {.scale = kScale, .negatives_only = negatives_only, .chunk_rows = chunk_rows});
      });
      EXPECT_TRUE(torch::allclose(result.values, expected.values, 1e-5, 1e-5)) << chunk_rows;
      EXPECT_TRUE(torch::allclose(result.embeddings_gradient, expected.embeddings_gradient, 1e-4, 1e-5)) << chunk_rows;
      EXPECT_TRUE(torch::allclose(result.proxies_gradient, expected.proxies_gradient, 1e-4, 1e-5)) << chunk_rows;
    }
  }
}

TEST_F(ProxySoftmaxTest, TakesOnlyTheNegativesThatTheBatchNames) {
  LossBatch batch = Batch({0, 100}, {10, 90, 200}, {0, 1});
  batch.negatives = Labels({1, 2, 1, 1}).view({2, 2});  // The second example's only negative is its positive.
  const torch::Tensor total =
      ProxyLogSumExp(embedder::NormalizeRows(batch.embeddings), batch, {.scale = 3, .negatives_only = true});
  EXPECT_NEAR(total[0].item<double>(), std::log(std::exp(3 * Cosine(0, 90)) + std::exp(3 * Cosine(0, 200))), 1e-5);
  EXPECT_LT(total[1].item<double>(), -1e20);
  ProxyNcaOptions options;
  options.denominator = ProxyNcaOptions::Denominator::kNegatives;
  EXPECT_TRUE(std::isfinite(ProxyNcaLoss(options).Compute(batch).item<float>()));
}

}  // namespace
}  // namespace semblance::trainer
