#include "trainer/learning/autocast.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace semblance::trainer {
namespace {

using v1::TrainingConfig;

TEST(AutocastTypeTest, IsThatOfTheConfigAndFloat16OnCudaAlone) {
  EXPECT_EQ(AutocastTypeOf(TrainingConfig::PRECISION_FLOAT32, torch::kCUDA), AutocastType::kNone);
  EXPECT_EQ(AutocastTypeOf(TrainingConfig::PRECISION_BFLOAT16, torch::kCPU), AutocastType::kBfloat16);
  EXPECT_EQ(AutocastTypeOf(TrainingConfig::PRECISION_FLOAT16, torch::kCUDA), AutocastType::kFloat16);
  EXPECT_EQ(AutocastTypeOf(TrainingConfig::PRECISION_FLOAT16, torch::kCPU), AutocastType::kBfloat16);
  EXPECT_EQ(AutocastTypeOf(TrainingConfig::PRECISION_AUTO, torch::kCUDA), AutocastType::kBfloat16);
  EXPECT_EQ(AutocastTypeOf(TrainingConfig::PRECISION_AUTO, torch::kCPU), AutocastType::kNone);
}

torch::ScalarType TypeOfAProduct() {
  return torch::ones({4, 4}).matmul(torch::ones({4, 4})).scalar_type();
}

TEST(AutocastTest, ComputesMatrixProductsIn16BitsWithinItsScope) {
  {
    const Autocast autocast(torch::kCPU, AutocastType::kBfloat16);
    EXPECT_EQ(TypeOfAProduct(), torch::kBFloat16);
  }
  EXPECT_EQ(TypeOfAProduct(), torch::kFloat32);
  const Autocast none(torch::kCPU, AutocastType::kNone);
  EXPECT_EQ(TypeOfAProduct(), torch::kFloat32);
}

class LossScaleTest : public ::testing::Test {
 protected:
  // Computes the gradient of factor * parameter, with a factor that the scale multiplies, and divides it again.
  bool Step(float factor) {
    parameter_.mutable_grad() = torch::Tensor();
    scale_.Apply((factor * parameter_).sum()).backward();
    return scale_.Unscale({parameter_, without_gradient_});
  }

  // Returns the factor that the loss is multiplied by.
  double Factor() const { return scale_.Apply(torch::ones({1})).item<double>(); }
  float Gradient() const { return parameter_.grad().item<float>(); }

  torch::Tensor parameter_ = torch::ones({1}).requires_grad_();
  torch::Tensor without_gradient_ = torch::ones({1}).requires_grad_();
  LossScale scale_{AutocastType::kFloat16};
};

TEST_F(LossScaleTest, DividesGradientsByWhatTheLossWasMultipliedBy) {
  EXPECT_EQ(Factor(), 65'536);
  EXPECT_TRUE(Step(0.25F));
  EXPECT_EQ(Gradient(), 0.25F);
}

TEST_F(LossScaleTest, HalvesAndLeavesOutAStepWhoseGradientsOverflow) {
  EXPECT_FALSE(Step(std::numeric_limits<float>::infinity()));
  EXPECT_EQ(Factor(), 32'768);
  EXPECT_TRUE(Step(0.25F));
  EXPECT_EQ(Gradient(), 0.25F);
}

TEST_F(LossScaleTest, NeverFallsBelowOne) {
  for (int i = 0; i < 40; ++i) {
    EXPECT_FALSE(Step(std::numeric_limits<float>::quiet_NaN()));
  }
  EXPECT_EQ(Factor(), 1);
}

TEST_F(LossScaleTest, DoublesAfterTwoThousandGoodStepsInARow) {
  for (int i = 0; i < 1999; ++i) {
    ASSERT_TRUE(Step(1));
  }
  ASSERT_FALSE(Step(std::numeric_limits<float>::infinity()));
  EXPECT_EQ(Factor(), 32'768);
  for (int i = 0; i < 1999; ++i) {
    ASSERT_TRUE(Step(1));
  }
  EXPECT_EQ(Factor(), 32'768);
  ASSERT_TRUE(Step(1));
  EXPECT_EQ(Factor(), 65'536);
}

TEST_F(LossScaleTest, IsLeftOutForOtherTypes) {
  for (const AutocastType type : {AutocastType::kNone, AutocastType::kBfloat16}) {
    LossScale unused(type);
    EXPECT_EQ(unused.Apply(torch::ones({1})).item<float>(), 1);
    parameter_.mutable_grad() = torch::full({1}, 0.5F);
    EXPECT_TRUE(unused.Unscale({parameter_}));
    EXPECT_EQ(Gradient(), 0.5F);
  }
}

}  // namespace
}  // namespace semblance::trainer
