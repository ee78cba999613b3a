#include "service/training/training_store.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/json_record.h"
#include "gmock/gmock.h"
#include "tests/service/models/model_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using service::TrainingStore;
using storage::v1::JobRecord;

class TrainingStoreTest : public ::testing::Test {
 protected:
  TrainingStore Open() {
    auto store = TrainingStore::Open(dir_.path());
    EXPECT_OK(store);
    return *std::move(store);
  }

  std::string Create(const TrainingStore& store) {
    v1::TrainingConfig config;
    config.set_model_name("shoes");
    config.mutable_data()->set_catalog_path(store.CatalogPath());
    storage::v1::JobManifest manifest;
    manifest.set_model_name("shoes");
    const auto created = store.Create(manifest, config);
    EXPECT_OK(created);
    return created.ok() ? created->id() : "";
  }

  std::string FileOf(const std::string& id, const std::string& name) { return dir_.Join(absl::StrCat("jobs/", id, "/", name)); }

  const TempDir dir_;
};

TEST_F(TrainingStoreTest, ANewJobIsQueuedAndItsConfigWritesIntoItsOwnDirectory) {
  const TrainingStore store = Open();
  const std::string id = Create(store);
  EXPECT_EQ(id, "job-000001");
  EXPECT_THAT(*store.List(), ElementsAre(id));
  EXPECT_EQ(store.ReadManifest(id)->model_name(), "shoes");
  EXPECT_FALSE(store.ReadManifest(id)->create_time().empty());
  EXPECT_EQ(store.ReadConfig(id)->output_dir(), FileOf(id, "model"));
  EXPECT_EQ(store.ReadRecord(id)->phase(), JobRecord::PHASE_QUEUED);
  EXPECT_FALSE(store.HasBundle(id));
  ModelFixture::WriteBundleTo(store.BundleDir(id));
  EXPECT_TRUE(store.HasBundle(id));
}

TEST_F(TrainingStoreTest, KeepsARecordOverARestart) {
  const std::string id = Create(Open());
  JobRecord record;
  record.set_phase(JobRecord::PHASE_RUNNING);
  record.set_start_count(3);
  ASSERT_OK(Open().WriteRecord(id, record));
  const auto read = Open().ReadRecord(id);
  ASSERT_OK(read);
  EXPECT_EQ(read->phase(), JobRecord::PHASE_RUNNING);
  EXPECT_EQ(read->start_count(), 3);
  EXPECT_FALSE(read->time().empty());
}

TEST_F(TrainingStoreTest, GivesNoNumberOutTwice) {
  const TrainingStore store = Open();
  const std::string first = Create(store);
  ASSERT_OK(store.Remove(first));
  EXPECT_FALSE(PathExists(FileOf(first, "")));
  EXPECT_EQ(Create(Open()), "job-000002");
}

TEST_F(TrainingStoreTest, RemovesWhatAnInterruptedCreationOrRemovalLeft) {
  const std::string id = Create(Open());
  ASSERT_OK(RemoveAll(FileOf(id, "manifest.json")));
  ASSERT_OK(CreateDirectories(dir_.Join("jobs/not-a-job")));
  EXPECT_THAT(*Open().List(), IsEmpty());
  EXPECT_FALSE(PathExists(FileOf(id, "")));
  EXPECT_TRUE(PathExists(dir_.Join("jobs/not-a-job"))) << "what is no job is left alone";
}

TEST_F(TrainingStoreTest, ReadsTheTrainersProgressOnceThereIsSome) {
  const TrainingStore store = Open();
  const std::string id = Create(store);
  EXPECT_EQ(store.ReadProgress(id).format_version(), 0);
  storage::v1::TrainerProgress progress;
  progress.set_step(7);
  ASSERT_OK(CreateDirectories(FileOf(id, "model.checkpoints")));
  ASSERT_OK(WriteJsonRecord(FileOf(id, "model.checkpoints/progress.json"), progress));
  EXPECT_EQ(store.ReadProgress(id).step(), 7);
  ASSERT_OK(WriteFileAtomically(FileOf(id, "model.checkpoints/progress.json"), "{"));
  EXPECT_EQ(store.ReadProgress(id).step(), 0);
}

TEST_F(TrainingStoreTest, NamesTheFileThatCannotBeRead) {
  const TrainingStore store = Open();
  const std::string id = Create(store);
  ASSERT_OK(WriteFileAtomically(FileOf(id, "state.json"), "{"));
  EXPECT_THAT(store.ReadRecord(id), StatusMessage(HasSubstr("state.json")));
  EXPECT_THAT(store.ReadManifest("job-000009"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TrainingStoreTest, RewritesAConfigThatAnEarlierVersionSpelledDifferently) {
  const std::string id = Create(Open());
  auto text = ReadFile(FileOf(id, "config.textproto"));
  ASSERT_OK(text);
  const size_t name = text->find("catalog_path:");
  ASSERT_NE(name, std::string::npos);
  std::string old = *text;
  old.replace(name, std::string("catalog_path").size(), "catalogue_path");
  ASSERT_OK(WriteFileAtomically(FileOf(id, "config.textproto"), old));
  const auto config = Open().ReadConfig(id);
  ASSERT_OK(config);
  EXPECT_EQ(config->data().catalog_path(), dir_.Join("catalogue.db"));
  // The trainer reads the file as well.
  EXPECT_EQ(*ReadFile(FileOf(id, "config.textproto")), *text);
}

TEST_F(TrainingStoreTest, LeavesTheOldNameInAValueAlone) {
  const TrainingStore store = Open();
  v1::TrainingConfig config;
  config.set_model_name("x");
  config.mutable_data()->set_path("/data/catalogue_path: x");
  const auto created = store.Create({}, config);
  ASSERT_OK(created);
  EXPECT_EQ(Open().ReadConfig(created->id())->data().path(), "/data/catalogue_path: x");
}

TEST_F(TrainingStoreTest, AConfigThatCannotBeReadHarmsNoOtherJob) {
  const std::string first = Create(Open());
  const std::string second = Create(Open());
  ASSERT_OK(RemoveAll(FileOf(first, "config.textproto")));
  EXPECT_THAT(*Open().List(), ElementsAre(first, second));
  EXPECT_FALSE(Open().ReadConfig(first).ok());
  EXPECT_OK(Open().ReadConfig(second));
}

}  // namespace
}  // namespace semblance::testing
