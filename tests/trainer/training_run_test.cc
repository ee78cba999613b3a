#include "trainer/training_run.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stop_token>
#include <string>
#include <vector>

#include "common/file.h"
#include "config/config_override.h"
#include "config/training_config.h"
#include "embedder/bundle/bundle.h"
#include "tests/testing/status_matchers.h"
#include "tests/trainer/stop_after.h"
#include "tests/trainer/training_run_fixture.h"
#include "trainer/report/training_log.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using testing::HasField;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::StatusMessage;
using testing::StopAfter;

using TrainingRunTest = testing::TrainingRunFixture;

double LargestDifference(const embedder::TensorMap& a, const embedder::TensorMap& b) {
  double largest = 0;
  for (const auto& [name, tensor] : a) {
    const embedder::HostTensor& other = b.at(name);
    for (size_t i = 0; tensor.dtype == "F32" && i < tensor.data.size(); i += sizeof(float)) {
      float x = 0;
      float y = 0;
      std::memcpy(&x, &tensor.data[i], sizeof(x));
      std::memcpy(&y, &other.data[i], sizeof(y));
      largest = std::max<double>(largest, std::fabs(x - y));
    }
  }
  return largest;
}

TEST_F(TrainingRunTest, WritesABundleWithARecordOfItsTraining) {
  ASSERT_OK(RunTraining(Config("bundle"), stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle bundle, embedder::ReadBundle(dir_.Join("bundle")));
  EXPECT_EQ(bundle.manifest.name(), "test");
  EXPECT_THAT(bundle.manifest.classes(), ElementsAre("bright", "dark", "middle"));
  EXPECT_THAT(bundle.proxies.at("proxies").shape, ElementsAre(3, 8));
  const storage::v1::TrainingRecord& record = bundle.manifest.training();
  EXPECT_EQ(record.train_examples() + record.test_examples(), 60);
  EXPECT_EQ(record.epochs(), 3);
  EXPECT_EQ(record.seed(), 1U);
  EXPECT_EQ(record.device(), "cpu");
  EXPECT_EQ(record.data_digest().size(), 71U);
  EXPECT_GT(record.train_seconds(), 0);
  EXPECT_THAT(record.config(), HasSubstr("model_name: \"test\""));
  ASSERT_EQ(record.recall_size(), 4);
  ASSERT_EQ(record.untrained_recall_size(), 4);
  EXPECT_EQ(record.recall(0).k(), 1);
  EXPECT_GT(record.recall(0).recall(), 0.8);
}

TEST_F(TrainingRunTest, GivesTheSameWeightsForTheSameSeed) {
  v1::TrainingConfig second = Config("second");
  second.set_loader_threads(3);
  v1::TrainingConfig third = Config("third");
  third.set_seed(2);

  ASSERT_OK(RunTraining(Config("first"), stop_.get_token()));
  ASSERT_OK(RunTraining(second, stop_.get_token()));
  ASSERT_OK(RunTraining(third, stop_.get_token()));

  for (const char* const file : {embedder::kBundleModelFile, embedder::kBundleProxiesFile}) {
    const std::string weights = ReadFile(dir_.Join("first/") + file).value();
    EXPECT_EQ(weights, ReadFile(dir_.Join("second/") + file).value()) << file;
    EXPECT_NE(weights, ReadFile(dir_.Join("third/") + file).value()) << file;
  }
}

TEST_F(TrainingRunTest, GivesTheSameWeightsWithoutMemoryForTheImages) {
  v1::TrainingConfig uncached = Config("uncached");
  uncached.mutable_data()->set_max_cached_bytes(0);

  ASSERT_OK(RunTraining(Config("cached"), stop_.get_token()));
  ASSERT_OK(RunTraining(uncached, stop_.get_token()));

  EXPECT_EQ(ReadFile(dir_.Join("cached/") + embedder::kBundleModelFile).value(),
            ReadFile(dir_.Join("uncached/") + embedder::kBundleModelFile).value());
}

TEST_F(TrainingRunTest, WritesTheUntrainedNetworkForNoEpochs) {
  v1::TrainingConfig config = Config("bundle");
  config.set_epochs(0);

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  EXPECT_EQ(manifest.training().recall(0).recall(), manifest.training().untrained_recall(0).recall());
}

TEST_F(TrainingRunTest, WhitensTheTrainedNetworkWhenAsked) {
  v1::TrainingConfig config = Config("whitened");
  config.set_whitening(0.25);

  ASSERT_OK(RunTraining(Config("plain"), stop_.get_token()));
  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle plain, embedder::ReadBundle(dir_.Join("plain")));
  ASSERT_OK_AND_ASSIGN(const embedder::Bundle whitened, embedder::ReadBundle(dir_.Join("whitened")));
  for (const auto& [name, tensor] : plain.model) {
    EXPECT_EQ(whitened.model.at(name).data == tensor.data, name != "head.weight" && name != "head.bias") << name;
  }
  EXPECT_GT(whitened.manifest.training().recall(0).recall(), 0.8);
}

TEST_F(TrainingRunTest, MeasuresNothingWhenNothingIsHeldOut) {
  v1::TrainingConfig config = Config("bundle");
  config.mutable_data()->set_hold_out(v1::DataConfig::HOLD_OUT_NONE);

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  EXPECT_EQ(manifest.training().train_examples(), 60);
  EXPECT_EQ(manifest.training().recall_size(), 0);
}

TEST_F(TrainingRunTest, MeasuresThePixelsOfTheTrainingImages) {
  ASSERT_OK(RunTraining(Config("bundle"), stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  EXPECT_NEAR(manifest.preprocessing().mean(0), 105.0 / 255, 0.05);
  EXPECT_GT(manifest.preprocessing().std(0), 0.1);
}

TEST_F(TrainingRunTest, TakesTheInputNormalisationOfTheConfig) {
  v1::TrainingConfig config = Config("bundle");
  config.set_epochs(0);
  config.mutable_model()->add_input_mean(0.25);
  config.mutable_model()->add_input_std(0.125);

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  EXPECT_THAT(manifest.preprocessing().mean(), ElementsAre(0.25F));
  EXPECT_THAT(manifest.preprocessing().std(), ElementsAre(0.125F));
}

TEST_F(TrainingRunTest, StartsFromPretrainedWeights) {
  ASSERT_OK(RunTraining(Config("first"), stop_.get_token()));
  v1::TrainingConfig config = Config("second");
  config.set_epochs(0);
  config.set_seed(5);
  config.mutable_model()->set_pretrained_path(dir_.Join("first/") + embedder::kBundleModelFile);

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle first, embedder::ReadBundle(dir_.Join("first")));
  ASSERT_OK_AND_ASSIGN(const embedder::Bundle second, embedder::ReadBundle(dir_.Join("second")));
  for (const auto& [name, tensor] : first.model) {
    EXPECT_EQ(second.model.at(name).data == tensor.data, name != "head.weight" && name != "head.bias") << name;
  }
  config = Config("third");
  config.mutable_model()->set_convnet_channels(0, 6);
  config.mutable_model()->set_pretrained_path(dir_.Join("first/") + embedder::kBundleModelFile);
  EXPECT_THAT(RunTraining(config, stop_.get_token()), HasField("model.pretrained_path"));
}

TEST_F(TrainingRunTest, KeepsTheStatisticsOfFrozenBatchNorms) {
  v1::TrainingConfig config = Config("bundle");
  config.mutable_model()->set_freeze_batch_norm(true);

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle bundle, embedder::ReadBundle(dir_.Join("bundle")));
  const embedder::HostTensor& counter = bundle.model.at("stage1.bn1.num_batches_tracked");
  EXPECT_EQ(counter.data, std::string(8, '\0'));
}

TEST_F(TrainingRunTest, LeavesNoProxiesOfALossThatHasNone) {
  v1::TrainingConfig config = Config("bundle");
  config.mutable_loss()->mutable_triplet();
  config.mutable_sampler()->set_samples_per_class(4);
  config.clear_proxies();

  ASSERT_OK(RunTraining(config::WithDefaults(config), stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle bundle, embedder::ReadBundle(dir_.Join("bundle")));
  EXPECT_TRUE(bundle.manifest.without_proxies());
  EXPECT_TRUE(bundle.proxies.empty());
  EXPECT_FALSE(PathExists(dir_.Join("bundle/") + embedder::kBundleProxiesFile));
  EXPECT_THAT(bundle.manifest.classes(), ElementsAre("bright", "dark", "middle"));
  EXPECT_GT(bundle.manifest.training().recall(0).recall(), 0.8);
}

// The configs cover every use of features: steps, evaluations, the start of the proxies, whitening, the choice of the epoch.
class CachedFeaturesTest : public TrainingRunTest, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Configs, CachedFeaturesTest,
                         ::testing::Values("whitening=0.25", "validation.fraction=0.4", "model.head_layer_norm=true",
                                           "sampler.samples_per_class=2", "model.backbone=BACKBONE_TORCHSCRIPT"),
                         [](const auto& test) { return "Config" + std::to_string(test.index); });

TEST_P(CachedFeaturesTest, GiveTheWeightsOfTrainingWithoutThem) {
  v1::TrainingConfig config = FrozenConfig("frozen");
  ASSERT_OK(config::ApplyOverride(GetParam(), &config));
  if (config.model().backbone() == v1::ModelConfig::BACKBONE_TORCHSCRIPT) {
    UseProgram(&config);
  }
  ASSERT_OK(RunTraining(config, stop_.get_token()));
  config.set_output_dir(dir_.Join("cached"));
  config.mutable_model()->set_cache_features(true);

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle frozen, embedder::ReadBundle(dir_.Join("frozen")));
  ASSERT_OK_AND_ASSIGN(const embedder::Bundle cached, embedder::ReadBundle(dir_.Join("cached")));
  EXPECT_LE(LargestDifference(frozen.model, cached.model), 1e-5);
  EXPECT_LE(LargestDifference(frozen.proxies, cached.proxies), 1e-5);
  EXPECT_NEAR(frozen.manifest.training().recall(0).recall(), cached.manifest.training().recall(0).recall(), 0.06);
  EXPECT_EQ(frozen.manifest.training().epochs(), cached.manifest.training().epochs());
  if (cached.manifest.training().epochs() == 0) {
    return;  // The network was best before the first step on the validation classes.
  }
  config.set_output_dir(dir_.Join("untrained"));
  config.set_epochs(0);
  ASSERT_OK(RunTraining(config, stop_.get_token()));
  ASSERT_OK_AND_ASSIGN(const embedder::Bundle untrained, embedder::ReadBundle(dir_.Join("untrained")));
  EXPECT_GE(LargestDifference(untrained.model, cached.model), 1e-3);
}

TEST_F(TrainingRunTest, RefusesFeaturesThatDoNotFit) {
  v1::TrainingConfig config = FrozenConfig("bundle");
  config.mutable_model()->set_cache_features(true);
  config.mutable_data()->set_max_cached_bytes(1000);

  EXPECT_THAT(RunTraining(config, stop_.get_token()), HasField("data.max_cached_bytes"));
}

TEST_F(TrainingRunTest, TrainsAProgramAsTheBackbone) {
  v1::TrainingConfig config = Config("bundle");
  UseProgram(&config);

  ASSERT_OK(RunTraining(config::WithDefaults(config), stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle bundle, embedder::ReadBundle(dir_.Join("bundle")));
  EXPECT_GT(bundle.manifest.training().recall(0).recall(), 0.8);
  EXPECT_NE(bundle.backbone, ReadFile(dir_.Join("program.pt")).value());
  EXPECT_EQ(bundle.model.size(), 2U);
  config.set_output_dir(dir_.Join("other"));
  config.mutable_model()->set_torchscript_path(dir_.Join("data/dark/0.png"));
  EXPECT_THAT(RunTraining(config::WithDefaults(config), stop_.get_token()), HasField("model.torchscript_path"));
}

TEST_F(TrainingRunTest, RefusesAnOutputThatExists) {
  EXPECT_THAT(RunTraining(Config("data"), stop_.get_token()), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(TrainingRunTest, RefusesAnUnknownDevice) {
  v1::TrainingConfig config = Config("bundle");
  config.set_device("abacus");

  EXPECT_THAT(RunTraining(config, stop_.get_token()), HasField("device"));
}

TEST_F(TrainingRunTest, StopsWhenAskedWithACheckpointAndNoBundle) {
  v1::TrainingConfig config = Config("bundle");
  stop_.request_stop();

  EXPECT_THAT(RunTraining(config, stop_.get_token()), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_FALSE(PathExists(dir_.Join("bundle")));
}

// The configs cover everything that a checkpoint must hold.
class ResumeTest : public TrainingRunTest, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Configs, ResumeTest,
                         ::testing::Values("epochs=4", "proxies.per_class=2", "proxies.per_class=0.7", "validation.fraction=0.4",
                                           "proxies.sampled_negatives=1", "proxies.assignment=ASSIGNMENT_DYNAMIC",
                                           "sampler.samples_per_class=4", "optimizer.kind=KIND_SGD", "warm_up_epochs=2",
                                           "loss.soft_triple.scale=10", "loss.triplet.margin=0.3", "model.freeze_backbone=true",
                                           "model.cache_features=true"),
                         [](const auto& test) { return "Config" + std::to_string(test.index); });

TEST_P(ResumeTest, EndsAsARunThatWasNotStopped) {
  v1::TrainingConfig config = Config("whole");
  ASSERT_OK(config::ApplyOverride(GetParam(), &config));
  if (config.loss().has_soft_triple()) {
    config.mutable_proxies()->set_per_class(2);
  }
  if (config.model().cache_features()) {
    config = FrozenConfig("whole");
    config.mutable_model()->set_cache_features(true);
  }
  config = config::WithDefaults(config);
  ASSERT_OK(RunTraining(config, stop_.get_token()));
  EXPECT_FALSE(PathExists(dir_.Join("whole.checkpoints")));

  // Stops the run again and again, after three steps at most.
  v1::TrainingConfig stopped = config;
  stopped.set_output_dir(dir_.Join("stopped"));
  absl::Status status;
  int runs = 0;
  do {
    std::stop_source stop;
    StopAfter stopper(dir_.Join("stopped.checkpoints"), &stop);
    stopped.mutable_checkpoint()->set_every_steps(1 + runs % 3);
    stopped.set_loader_threads(1 + runs % 2);
    status = RunTraining(stopped, stop.get_token());
    ++runs;
  } while (absl::IsCancelled(status) && runs < 200);

  ASSERT_OK(status);
  EXPECT_GT(runs, 1);
  EXPECT_EQ(Weights("whole"), Weights("stopped"));
}

TEST_F(TrainingRunTest, RefusesTheCheckpointOfAnotherRun) {
  v1::TrainingConfig config = Config("bundle");
  config.set_epochs(1000);
  std::stop_source stop;
  StopAfter stopper(dir_.Join("bundle.checkpoints"), &stop);
  ASSERT_THAT(RunTraining(config, stop.get_token()), StatusIs(absl::StatusCode::kCancelled));

  config.set_seed(9);
  EXPECT_THAT(RunTraining(config, stop_.get_token()), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(TrainingRunTest, KeepsTheEpochThatIsBestOnTheValidationClasses) {
  v1::TrainingConfig config = Config("bundle");
  config.mutable_validation()->set_fraction(0.4);
  config.mutable_validation()->set_patience(2);
  config.set_epochs(200);
  // With steps as large as this the network gets worse.
  config.mutable_optimizer()->set_learning_rate(0.5);
  config.mutable_optimizer()->set_schedule(v1::OptimizerConfig::SCHEDULE_CONSTANT);

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  EXPECT_LT(manifest.training().epochs(), 100);
  EXPECT_EQ(manifest.classes_size(), 2);
}

TEST_F(TrainingRunTest, TrainsProxiesOfNoClassOnLabeledImages) {
  v1::TrainingConfig config = Config("bundle");
  config.mutable_proxies()->set_assignment(v1::ProxyConfig::ASSIGNMENT_DYNAMIC);
  config.mutable_proxies()->clear_per_class();
  config.mutable_proxies()->set_count(5);
  config.set_epochs(6);
  config.mutable_sampler()->set_samples_per_class(4);

  for (const auto start : {v1::ProxyConfig::INITIALIZATION_CLASS_MEANS, v1::ProxyConfig::INITIALIZATION_EXAMPLES}) {
    config.mutable_proxies()->set_initialization(start);
    config.set_output_dir(dir_.Join(v1::ProxyConfig::Initialization_Name(start)));
    ASSERT_OK(RunTraining(config, stop_.get_token()));

    ASSERT_OK_AND_ASSIGN(const embedder::Bundle bundle, embedder::ReadBundle(config.output_dir()));
    EXPECT_THAT(bundle.manifest.classes(), ElementsAre("bright", "dark", "middle"));
    EXPECT_TRUE(bundle.manifest.dynamic_proxies());
    EXPECT_THAT(bundle.proxies.at("proxies").shape, ElementsAre(5, 8));
    ASSERT_OK_AND_ASSIGN(const std::vector<LogRecord> log, ReadTrainingLog(config.output_dir() + "/log.jsonl"));
    const auto loss_of = [](const LogRecord& record) { return record.values.at(0); };
    EXPECT_EQ(loss_of(log[1]).name, "loss/train");
    EXPECT_LT(loss_of(log.back()).value, 0.8 * loss_of(log[1]).value);
  }
}

TEST_F(TrainingRunTest, RefusesASingleProxy) {
  v1::TrainingConfig config = Config("bundle");
  config.mutable_proxies()->set_per_class(0.2);

  EXPECT_THAT(RunTraining(config, stop_.get_token()), HasField("proxies.per_class"));
}

TEST_F(TrainingRunTest, NamesTheStepAtWhichTheLossIsNotFinite) {
  v1::TrainingConfig config = Config("bundle");
  config.mutable_optimizer()->set_learning_rate(1e30);
  config.mutable_optimizer()->set_schedule(v1::OptimizerConfig::SCHEDULE_CONSTANT);

  const absl::Status status = RunTraining(config, stop_.get_token());

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(status, StatusMessage(HasSubstr("step ")));
  EXPECT_FALSE(PathExists(dir_.Join("bundle")));
}

}  // namespace
}  // namespace semblance::trainer
