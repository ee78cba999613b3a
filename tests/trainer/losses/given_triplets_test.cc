#include "trainer/losses/given_triplets.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstddef>

#include "gtest/gtest.h"
#include "tests/trainer/losses/loss_data.h"

namespace semblance::trainer {
namespace {

using testing::Angles;
using testing::OnCircle;
using testing::SquaredDistance;

TEST(GivenTripletsTest, AreAveragedOverThoseThatViolateTheMargin) {
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
  TripletBatch batch;
  batch.anchors = (2 * OnCircle(anchors)).requires_grad_();
  batch.positives = OnCircle(positives).requires_grad_();
  batch.negatives = OnCircle(negatives).requires_grad_();

  const torch::Tensor loss = GivenTripletLoss(kMargin).Compute(batch);
  loss.backward();

  EXPECT_NEAR(loss.item<double>(), sum / violated, 1e-5);
  for (const torch::Tensor& rows : {batch.anchors, batch.positives, batch.negatives}) {
    EXPECT_GT(rows.grad()[1].norm().item<float>(), 0);
    EXPECT_EQ(rows.grad()[2].norm().item<float>(), 0);
  }
}

}  // namespace
}  // namespace semblance::trainer
