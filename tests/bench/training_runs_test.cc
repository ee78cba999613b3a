#include "bench/convergence/training_runs.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "dataset/png_encoder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "trainer/data/random.h"

namespace semblance::bench {
namespace {

using semblance::testing::StatusIs;
using semblance::testing::TempDir;

class TrainingRunsTest : public ::testing::Test {
 protected:
  // Makes noisy images of eight grays. The last four grays are the test classes.
  TrainingRunsTest() {
    for (int label = 0; label < 8; ++label) {
      const std::string folder = dir_.Join("data/class" + std::to_string(label));
      std::filesystem::create_directories(folder);
      for (int i = 0; i < 6; ++i) {
        trainer::Random random(1, static_cast<uint64_t>(label), static_cast<uint64_t>(i));
        std::string pixels;
        for (int pixel = 0; pixel < 64; ++pixel) {
          pixels.push_back(static_cast<char>(random.Between(25 * label, 25 * label + 60)));
        }
        std::ofstream(folder + "/" + std::to_string(i) + ".png", std::ios::binary) << dataset::EncodeGrayPng(pixels, 8, 8).value();
      }
    }
    std::ofstream(dir_.Join("recipe.textproto"))
        << "model_name: 'test' data { path: '" << dir_.Join("data")
        << "' hold_out: HOLD_OUT_LAST_CLASSES hold_out_fraction: 0.5 }\n"
        << "model { input_side: 8 input_channels: 1 dimension: 4 convnet_channels: 4 }\n"
        << "batch_size: 8 epochs: 4 evaluate_every_epochs: 2 device: 'cpu' compute_threads: 1 loader_threads: 1\n";
  }

  absl::StatusOr<TrainingRun> Run(const std::vector<std::string>& settings) const {
    return RunTrainer(dir_.Join("runs"), "one", dir_.Join("recipe.textproto"), settings);
  }

  const TempDir dir_;
};

TEST_F(TrainingRunsTest, GivesTheEvaluationsOfARun) {
  ASSERT_OK_AND_ASSIGN(const TrainingRun run, Run({"seed=3"}));

  ASSERT_EQ(run.curve.size(), 3U);  // Before the first step, and after epochs 2 and 4.
  EXPECT_EQ(run.curve[0].step, 0);
  EXPECT_EQ(run.curve[1].step, 6);
  EXPECT_EQ(run.curve[2].step, 12);
  EXPECT_GT(run.curve[2].recall_at_1, 0);
}

TEST_F(TrainingRunsTest, DoesNotRepeatARunThatIsThereUnlessItIsAnother) {
  ASSERT_OK(Run({"seed=3"}));
  const std::string log = dir_.Join("runs/one/log.jsonl");
  const auto written = std::filesystem::last_write_time(log);

  ASSERT_OK(Run({"seed=3"}));
  EXPECT_EQ(std::filesystem::last_write_time(log), written);

  ASSERT_OK(Run({"seed=4"}));
  EXPECT_NE(std::filesystem::last_write_time(log), written);
}

TEST_F(TrainingRunsTest, FailsWithTheTrainer) {
  EXPECT_THAT(Run({"no.such.field=1"}).status(), StatusIs(absl::StatusCode::kInternal));
}

TEST(MeanCurveTest, IsTheMeanOfEachPoint) {
  const TrainingRun one = {{{0, 0, 0.2, 0.3}, {10, 4, 0.4, 0.5}}, {}};
  const TrainingRun two = {{{0, 0, 0.4, 0.3}, {10, 6, 0.8, 0.7}}, {}};

  const std::vector<RunPoint> mean = MeanCurve({one, two});

  ASSERT_EQ(mean.size(), 2U);
  EXPECT_EQ(mean[1].step, 10);
  EXPECT_DOUBLE_EQ(mean[1].seconds, 5);
  EXPECT_DOUBLE_EQ(mean[0].recall_at_1, 0.3);
  EXPECT_DOUBLE_EQ(mean[1].recall_at_1, 0.6);
}

}  // namespace
}  // namespace semblance::bench
