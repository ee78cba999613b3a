#include "trainer/learning/evaluation.h"

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <vector>

#include "config/training_config.h"
#include "tests/testing/status_matchers.h"
#include "tests/trainer/learning/small_learner.h"
#include "tests/trainer/learning/split_images.h"

namespace semblance::trainer {
namespace {

using testing::SplitImages;

class EvaluationTest : public ::testing::Test {
 protected:
  EvaluationTest() {
    torch::manual_seed(1);
    const v1::TrainingConfig config = testing::SmallConfig();
    net_ = embedder::NewEmbeddingNet(config::ArchitectureOf(config.model()), config::PreprocessingOf(config.model()),
                                     config.model().dimension())
               .value();
  }

  embedder::EmbeddingNet net_ = nullptr;
  const SplitImages split_{300, 2};  // More than one batch.
};

TEST_F(EvaluationTest, EmbedsEveryImageInEvaluationModeAsServingDoes) {
  ASSERT_OK_AND_ASSIGN(const torch::Tensor outputs,
                       ForwardAll(net_, split_.labeled(), {{3, 299}, {0}}, /*threads=*/2, torch::kCPU));

  EXPECT_TRUE(net_->is_training());
  const torch::NoGradGuard no_grad;
  net_->eval();
  const torch::Tensor pixels = torch::stack({split_.Pixels(3), split_.Pixels(299), split_.Pixels(0)});
  EXPECT_TRUE(torch::allclose(outputs, net_->forward(pixels), 1e-5, 1e-6));
}

TEST_F(EvaluationTest, ReturnsUnitRowsInTheOrderOfTheImages) {
  ASSERT_OK_AND_ASSIGN(const std::vector<float> embeddings, EmbedAll(net_, split_.labeled(), /*threads=*/1, torch::kCPU));

  ASSERT_EQ(embeddings.size(), 300U * 4);
  const torch::Tensor rows = torch::tensor(embeddings).view({300, 4});
  EXPECT_TRUE(torch::allclose(rows.norm(2, 1), torch::ones({300}), 1e-4, 1e-5));
  ASSERT_OK_AND_ASSIGN(const torch::Tensor last, ForwardAll(net_, split_.labeled(), {{299}}, 1, torch::kCPU));
  EXPECT_TRUE(torch::allclose(rows[299], embedder::NormalizeRows(last)[0], 1e-4, 1e-5));
}

TEST_F(EvaluationTest, UsesFeaturesInPlaceOfImages) {
  LabeledImages split = split_.labeled();
  const int64_t width = net_->HeadParameters().front().size(1);
  split.features = torch::rand({300, width});

  ASSERT_OK_AND_ASSIGN(const torch::Tensor outputs, ForwardAll(net_, split, {{7, 2}}, 1, torch::kCPU));

  const torch::NoGradGuard no_grad;
  net_->eval();
  EXPECT_TRUE(torch::allclose(outputs, net_->Head(torch::stack({split.features[7], split.features[2]})), 1e-5, 1e-6));
}

TEST_F(EvaluationTest, MeasuresRecallAloneWhenItIsQuickAndAllElseWhenItIsFull) {
  EvaluationSetup setup;
  const Evaluation quick = EvaluateImages(net_, split_.labeled(), setup).value().value();
  setup.thoroughness = Thoroughness::kFull;
  const Evaluation full = EvaluateImages(net_, split_.labeled(), setup).value().value();

  EXPECT_FALSE(quick.retrieval.r_precision.has_value());
  EXPECT_FALSE(quick.nmi.has_value());
  EXPECT_TRUE(full.retrieval.r_precision.has_value());
  EXPECT_TRUE(full.nmi.has_value());
  EXPECT_EQ(quick.quality(), full.quality());
  EXPECT_GT(full.quality(), 0.8);  // The two classes differ much.
}

TEST_F(EvaluationTest, MeasuresNothingOnFewerThanTwoImages) {
  const SplitImages one(1, 1);
  ASSERT_OK_AND_ASSIGN(const std::optional<Evaluation> evaluation, EvaluateImages(net_, one.labeled(), {}));
  EXPECT_FALSE(evaluation.has_value());
  EXPECT_EQ(FormatEvaluation(evaluation), "");
}

TEST_F(EvaluationTest, CountsTheTripletsThatAreRight) {
  // Images of one class are nearer to each other: the first triplet is right, and the second is the wrong way round.
  const std::vector<dataset::Triplet> triplets = {{0, 2, 1}, {0, 1, 2}};
  LabeledImages split = split_.labeled();
  split.triplets = &triplets;

  const Evaluation evaluation = EvaluateImages(net_, split, {}).value().value();

  EXPECT_EQ(evaluation.triplets, 2);
  EXPECT_EQ(evaluation.triplet_accuracy, 0.5);
  EXPECT_EQ(FormatEvaluation(evaluation), "triplet accuracy 0.5000");
}

TEST_F(EvaluationTest, ShowsRecallAtEachK) {
  Evaluation evaluation;
  evaluation.retrieval.recall_at = {{1, 0.5}, {8, 0.75}};
  EXPECT_EQ(FormatEvaluation(evaluation), "recall@1 0.5000, @8 0.7500");
}

}  // namespace
}  // namespace semblance::trainer
