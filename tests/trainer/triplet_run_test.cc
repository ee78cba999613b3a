// Tests of training on triplets of images without labels.
#include <cmath>
#include <fstream>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "common/file.h"
#include "config/config_override.h"
#include "config/training_config.h"
#include "dataset/png_encoder.h"
#include "embedder/bundle/bundle.h"
#include "embedder/bundle/trained_images.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/trainer/stop_after.h"
#include "trainer/data/random.h"
#include "trainer/report/training_log.h"
#include "trainer/training_run.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StatusIs;
using testing::StopAfter;
using testing::TempDir;

constexpr int kSide = 16;
constexpr int kKinds = 4;
constexpr int kImagesOfKind = 40;
constexpr int kImages = kKinds * kImagesOfKind;

// Draws stripes in one of four directions. Images with the same direction are alike; phase and brightness vary at random.
std::string StripedImage(int kind, int number) {
  Random random(1, static_cast<uint64_t>(kind), static_cast<uint64_t>(number));
  const double angle = kind * M_PI / kKinds;
  const double phase = random.Between(0, 628) / 100.0;
  const int brightness = random.Between(70, 150);
  std::string pixels;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const double wave = std::sin(1.2 * (x * std::cos(angle) + y * std::sin(angle)) + phase);
      pixels.push_back(static_cast<char>(brightness + 45 * wave + random.Between(-20, 20)));
    }
  }
  return dataset::EncodeGrayPng(pixels, kSide, kSide).value();
}

class TripletRunTest : public ::testing::Test {
 protected:
  // Writes three triplets for each image, whose other images are chosen at random.
  TripletRunTest() {
    for (int i = 0; i < kImages; ++i) {
      std::ofstream(dir_.Join(Name(i)), std::ios::binary) << StripedImage(i % kKinds, i / kKinds);
    }
    Random random(2, 0, 0);
    std::string triplets = "anchor\tpositive\tnegative\n";
    for (int i = 0; i < 3 * kImages; ++i) {
      const int anchor = i % kImages;
      const int positive = anchor % kKinds + kKinds * random.Between(0, kImagesOfKind - 1);
      const int negative = (anchor + random.Between(1, kKinds - 1)) % kKinds + kKinds * random.Between(0, kImagesOfKind - 1);
      triplets += Name(anchor) + "\t" + Name(positive) + "\t" + Name(negative) + "\n";
    }
    std::ofstream(dir_.Join("triplets.tsv")) << triplets;
  }

  static std::string Name(int image) { return "image" + std::to_string(image) + ".png"; }

  v1::TrainingConfig Config(const std::string& output, const std::vector<std::string>& overrides = {}) const {
    v1::TrainingConfig config;
    config.set_model_name("test");
    config.set_output_dir(dir_.Join(output));
    config.mutable_data()->set_path(dir_.Join("triplets.tsv"));
    config.mutable_model()->set_input_side(kSide);
    config.mutable_model()->set_input_channels(1);
    config.mutable_model()->set_dimension(8);
    config.mutable_model()->add_convnet_channels(8);
    config.mutable_model()->add_convnet_channels(16);
    config.mutable_augmentation()->set_horizontal_flip(false);  // A flip would turn one direction into another.
    config.mutable_proxies()->set_count(12);
    config.set_batch_size(32);
    config.set_epochs(6);
    config.set_device("cpu");
    for (const std::string& one : overrides) {
      EXPECT_OK(config::ApplyOverride(one, &config));
    }
    return config::WithDefaults(config);
  }

  const TempDir dir_;
  std::stop_source stop_;
};

TEST_F(TripletRunTest, WritesABundleWithoutClassesThatTellsHowItCameAbout) {
  ASSERT_OK(RunTraining(Config("bundle"), stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle bundle, embedder::ReadBundle(dir_.Join("bundle")));
  EXPECT_THAT(bundle.manifest.classes(), IsEmpty());
  EXPECT_TRUE(bundle.manifest.dynamic_proxies());
  EXPECT_THAT(bundle.proxies.at("proxies").shape, ElementsAre(12, 8));
  const storage::v1::TrainingRecord& record = bundle.manifest.training();
  EXPECT_EQ(record.train_triplets() + record.evaluation().triplets(), 3 * kImages);
  EXPECT_EQ(record.train_triplets() % 3, 0);  // All triplets of an anchor are in one split.
  EXPECT_THAT(record.recall(), IsEmpty());
  EXPECT_EQ(record.data_digest().size(), 71u);
  EXPECT_THAT(bundle.documents.at("report.md"), HasSubstr("| triplet accuracy |"));
  EXPECT_EQ(bundle.documents.count("learning_curve.png"), 1u);
  ASSERT_OK_AND_ASSIGN(const std::vector<uint64_t> trained, embedder::ReadTrainedImages(dir_.Join("bundle")));
  EXPECT_EQ(static_cast<int64_t>(trained.size()), record.train_examples());
  ASSERT_OK_AND_ASSIGN(const std::vector<LogRecord> log, ReadTrainingLog(dir_.Join("bundle/log.jsonl")));
  ASSERT_EQ(log.size(), 7u);
  EXPECT_EQ(log[0].values, (std::vector<NamedValue>{{"triplets/accuracy", record.untrained_evaluation().triplet_accuracy()}}));
  std::set<std::string> names;
  for (const NamedValue& value : log.back().values) {
    names.insert(value.name);
  }
  EXPECT_EQ(names, (std::set<std::string>{"loss/train", "proxies/nearest_accuracy", "proxies/undecided", "proxies/gradient_norm",
                                          "proxies/norm", "dead_proxies", "triplets/accuracy"}));
}

// Runs with each loss that can use triplets.
class TripletLossTest : public TripletRunTest, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Losses, TripletLossTest,
                         ::testing::Values("loss.proxy_nca.denominator=DENOMINATOR_ALL",
                                           "loss.proxy_nca.denominator=DENOMINATOR_NEGATIVES", "loss.proxy_triplet.margin=0.5",
                                           "loss.triplet.margin=0.2"),
                         [](const auto& test) { return "Loss" + std::to_string(test.index); });

TEST_P(TripletLossTest, GetsTripletsOfAnchorsThatItNeverSawRight) {
  ASSERT_OK(RunTraining(Config("bundle", {GetParam(), "epochs=12"}), stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  const storage::v1::TrainingRecord& record = manifest.training();
  EXPECT_LT(record.untrained_evaluation().triplet_accuracy(), 0.75);
  EXPECT_GT(record.evaluation().triplet_accuracy(), 0.9);
}

TEST_F(TripletRunTest, GivesTheSameWeightsForTheSameSeed) {
  ASSERT_OK(RunTraining(Config("first"), stop_.get_token()));
  ASSERT_OK(RunTraining(Config("second", {"loader_threads=3"}), stop_.get_token()));
  ASSERT_OK(RunTraining(Config("third", {"seed=2"}), stop_.get_token()));

  for (const char* const file : {embedder::kBundleModelFile, embedder::kBundleProxiesFile}) {
    const std::string weights = ReadFile(dir_.Join("first/") + file).value();
    EXPECT_TRUE(weights == ReadFile(dir_.Join("second/") + file).value()) << file;
    EXPECT_FALSE(weights == ReadFile(dir_.Join("third/") + file).value()) << file;
  }
}

class TripletResumeTest : public TripletRunTest, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Configs, TripletResumeTest,
                         ::testing::Values("epochs=3", "validation.fraction=0.3", "loss.triplet.margin=0.2"),
                         [](const auto& test) { return "Config" + std::to_string(test.index); });

TEST_P(TripletResumeTest, EndsAsARunThatWasNotStopped) {
  v1::TrainingConfig config = Config("whole", {"epochs=4", GetParam()});
  ASSERT_OK(RunTraining(config, stop_.get_token()));

  config.set_output_dir(dir_.Join("stopped"));
  absl::Status status;
  int runs = 0;
  do {
    std::stop_source stop;
    StopAfter stopper(dir_.Join("stopped.checkpoints"), &stop);
    config.mutable_checkpoint()->set_every_steps(1 + runs % 3);
    status = RunTraining(config, stop.get_token());
    ++runs;
  } while (absl::IsCancelled(status) && runs < 200);

  ASSERT_OK(status);
  EXPECT_GT(runs, 1);
  // A loss without proxies leaves no file of them.
  for (const char* const file : {embedder::kBundleModelFile, embedder::kBundleProxiesFile}) {
    const auto bytes = [&](const char* run) { return ReadFile(dir_.Join(run) + "/" + file).value_or("none"); };
    EXPECT_TRUE(bytes("whole") == bytes("stopped")) << file;
  }
}

TEST_F(TripletRunTest, RefusesTheCheckpointOfOtherTripletsOfTheSameImages) {
  v1::TrainingConfig config = Config("bundle", {"epochs=1000", "data.hold_out=HOLD_OUT_NONE"});
  std::stop_source stop;
  {
    StopAfter stopper(dir_.Join("bundle.checkpoints"), &stop);
    ASSERT_THAT(RunTraining(config, stop.get_token()), StatusIs(absl::StatusCode::kCancelled));
  }
  std::ofstream(dir_.Join("triplets.tsv"), std::ios::app) << Name(0) << "\t" << Name(4) << "\t" << Name(1) << "\n";

  EXPECT_THAT(RunTraining(config, stop_.get_token()), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(TripletRunTest, KeepsTheEpochThatIsBestOnTheValidationAnchors) {
  const v1::TrainingConfig config = Config("bundle", {"validation.fraction=0.3", "validation.patience=2", "epochs=200",
                                                      "optimizer.learning_rate=0.5", "optimizer.schedule=SCHEDULE_CONSTANT"});

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  ASSERT_OK_AND_ASSIGN(const std::vector<LogRecord> log, ReadTrainingLog(dir_.Join("bundle/log.jsonl")));
  EXPECT_LT(log.size(), 150u);
  double best = -1;
  int64_t best_epoch = -1;
  for (const LogRecord& record : log) {
    for (const NamedValue& value : record.values) {
      if (value.name == "triplets/validation_accuracy" && value.value > best) {
        best = value.value;
        best_epoch = record.epoch;
      }
    }
  }
  EXPECT_EQ(manifest.training().epochs(), best_epoch);
}

TEST_F(TripletRunTest, MeasuresNothingWhenNothingIsHeldOut) {
  ASSERT_OK(RunTraining(Config("bundle", {"epochs=1", "data.hold_out=HOLD_OUT_NONE"}), stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  EXPECT_EQ(manifest.training().train_triplets(), 3 * kImages);
  EXPECT_FALSE(manifest.training().has_evaluation());
}

}  // namespace
}  // namespace semblance::trainer
