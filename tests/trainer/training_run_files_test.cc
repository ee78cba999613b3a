// Tests of the files that other programs read: the list of trained images, the progress, the lock, and the copy of a catalog.
#include <stop_token>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/file.h"
#include "common/json_record.h"
#include "embedder/bundle/trained_images.h"
#include "gmock/gmock.h"
#include "semblance/storage/v1/job.pb.h"
#include "tests/catalog/catalog_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/trainer/stop_after.h"
#include "tests/trainer/training_run_fixture.h"
#include "trainer/data/training_data.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::StatusMessage;
using testing::StopAfter;
using ::testing::UnorderedElementsAreArray;

using TrainingRunFilesTest = testing::TrainingRunFixture;

// The keys of the images at `indices`.
std::vector<uint64_t> KeysOf(const TrainingData& data, const std::vector<int64_t>& indices) {
  std::vector<uint64_t> keys;
  for (const int64_t index : indices) {
    keys.push_back(embedder::ImageKeyOf(Sha256Hex(data.dataset->ReadImage(index).value())));
  }
  return keys;
}

TEST_F(TrainingRunFilesTest, ListsTheImagesThatTrainedAndChoseTheEpoch) {
  v1::TrainingConfig config = Config("bundle");
  config.mutable_validation()->set_fraction(0.4);
  config.set_epochs(1);

  ASSERT_OK(RunTraining(config, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const std::vector<uint64_t> trained, embedder::ReadTrainedImages(dir_.Join("bundle")));
  ASSERT_OK_AND_ASSIGN(const TrainingData data, OpenTrainingData(config.data(), 0.4));
  std::vector<uint64_t> expected = KeysOf(data, data.split.train);
  const std::vector<uint64_t> validation = KeysOf(data, data.validation);
  EXPECT_FALSE(validation.empty());
  expected.insert(expected.end(), validation.begin(), validation.end());
  EXPECT_THAT(trained, UnorderedElementsAreArray(expected));
  for (const uint64_t key : KeysOf(data, data.split.test)) {
    EXPECT_FALSE(std::binary_search(trained.begin(), trained.end(), key));
  }
}

storage::v1::TrainerProgress ReadProgress(const std::string& run_directory) {
  const auto progress = ReadJsonRecord<storage::v1::TrainerProgress>(run_directory + "/progress.json");
  EXPECT_OK(progress);
  return progress.value_or(storage::v1::TrainerProgress());
}

TEST_F(TrainingRunFilesTest, LeavesWhereItStoppedForThoseWhoWait) {
  v1::TrainingConfig config = Config("bundle");
  config.set_epochs(1000);
  std::stop_source stop;
  StopAfter stopper(dir_.Join("bundle.checkpoints"), &stop);
  ASSERT_THAT(RunTraining(config, stop.get_token()), StatusIs(absl::StatusCode::kCancelled));

  const storage::v1::TrainerProgress progress = ReadProgress(dir_.Join("bundle.checkpoints"));
  EXPECT_EQ(progress.total_epochs(), 1000);
  EXPECT_GT(progress.step(), 0);
  EXPECT_GT(progress.total_steps(), progress.step());
  EXPECT_GT(progress.loss(), 0);
  EXPECT_GT(progress.recall_at_1(), 0);
  EXPECT_GT(progress.images_per_second(), 0);
  EXPECT_GT(progress.seconds_left(), 0);
}

TEST_F(TrainingRunFilesTest, LeavesTheErrorForThoseWhoWait) {
  std::ofstream(dir_.Join("data/dark/broken.png")) << "no image";

  const absl::Status status = RunTraining(Config("bundle"), stop_.get_token());

  EXPECT_FALSE(status.ok());
  const storage::v1::TrainerProgress progress = ReadProgress(dir_.Join("bundle.checkpoints"));
  EXPECT_EQ(progress.activity(), "failed");
  EXPECT_EQ(progress.error(), std::string(status.message()));
}

TEST_F(TrainingRunFilesTest, LeavesADirectoryToTheProcessThatTrainsInIt) {
  ASSERT_OK(CreateDirectories(dir_.Join("bundle.checkpoints")));
  {
    ASSERT_OK_AND_ASSIGN(const auto lock, FileLock::Acquire(dir_.Join("bundle.checkpoints/LOCK")));
    const absl::Status status = RunTraining(Config("bundle"), stop_.get_token());
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(status, StatusMessage(HasSubstr("bundle.checkpoints")));
    EXPECT_FALSE(PathExists(dir_.Join("bundle.checkpoints/progress.json")));
  }

  EXPECT_OK(RunTraining(Config("bundle"), stop_.get_token()));
  EXPECT_FALSE(PathExists(dir_.Join("bundle.checkpoints")));
}

// Writes every image to the catalog. One of the classes has no labels there.
void FillCatalog(const v1::DataConfig& config, catalog::Catalog& catalog) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<dataset::Dataset> dataset, dataset::OpenDataset(config.path()));
  std::vector<catalog::ItemWrite> items;
  for (int64_t i = 0; i < dataset->size(); ++i) {
    items.push_back(testing::ItemWithImage("items/" + std::to_string(i), dataset->ReadImage(i).value()));
    if (dataset->example(i).label != "middle") {
      items.back().label = dataset->example(i).label;
    }
  }
  ASSERT_OK(testing::UpsertAndWait(catalog, items));
}

TEST_F(TrainingRunFilesTest, TrainsOnACatalogAsItWasWhenTheRunBegan) {
  v1::TrainingConfig config = Config("bundle");
  const std::string path = dir_.Join("catalogue.db");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<catalog::Catalog> catalog, catalog::OpenSqliteCatalog(path, {}));
  FillCatalog(config.data(), *catalog);
  config.mutable_data()->clear_path();
  config.mutable_data()->set_catalog_path(path);
  config.set_epochs(4);
  ASSERT_OK(config::ValidateTrainingConfig(config));
  v1::TrainingConfig stopped = config;
  stopped.set_output_dir(dir_.Join("stopped"));

  ASSERT_OK(RunTraining(config, stop_.get_token()));
  EXPECT_FALSE(PathExists(dir_.Join("bundle.checkpoints")));
  {
    std::stop_source stop;
    StopAfter stopper(dir_.Join("stopped.checkpoints"), &stop);
    stopped.mutable_checkpoint()->set_every_steps(1);
    ASSERT_THAT(RunTraining(stopped, stop.get_token()), StatusIs(absl::StatusCode::kCancelled));
  }
  ASSERT_OK(testing::DeleteAndWait(*catalog, {"items/0", "items/1"}));
  ASSERT_OK(RunTraining(stopped, stop_.get_token()));

  ASSERT_OK_AND_ASSIGN(const auto manifest, embedder::ReadBundleManifest(dir_.Join("bundle")));
  EXPECT_THAT(manifest.classes(), ElementsAre("bright", "dark"));
  EXPECT_EQ(manifest.training().train_examples() + manifest.training().test_examples(), 40);
  EXPECT_THAT(manifest.training().config(), HasSubstr(path));
  EXPECT_EQ(Weights("bundle"), Weights("stopped"));
}

}  // namespace
}  // namespace semblance::trainer
