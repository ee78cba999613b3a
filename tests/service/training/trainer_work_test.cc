#include "service/training/trainer_work.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "tests/service/training/training_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using service::TrainingState;

// The work of a job that no worker runs.
class TrainerWorkTest : public TrainingFixture {
 protected:
  TrainerWorkTest() : store_(*service::TrainingStore::Open(models_.data_dir())), table_(&store_, &clock_) {
    jobs_.reset();
    config_.set_trainer_path("/opt/trainer");
    config_.set_max_memory_mib(2);
    config_.set_gpus(1);
    storage::v1::JobManifest manifest;
    manifest.set_replicas(2);
    v1::TrainingConfig config;
    config.mutable_data()->set_path("/data");
    const auto created = store_.Create(manifest, config);
    EXPECT_OK(created);
    id_ = created->id();
    table_.Load(id_);
    work_ = std::make_unique<service::TrainerWork>(id_, &config_, &store_, &table_, &launcher_);
  }

  v1::TrainingJobsConfig config_;
  const service::TrainingStore store_;
  service::TrainingTable table_;
  std::string id_;
  std::unique_ptr<service::TrainerWork> work_;
};

TEST_F(TrainerWorkTest, RecordsAStartBeforeItSaysWhatToStart) {
  const auto spec = work_->PrepareStart(2);
  ASSERT_OK(spec);
  EXPECT_THAT(spec->arguments, ElementsAre("/opt/trainer", HasSubstr("/jobs/job-000001/config.textproto"), "--nproc=2"));
  EXPECT_THAT(spec->name, ::testing::MatchesRegex("semblance-[0-9a-f]{8}-job-000001-1"));
  EXPECT_EQ(spec->max_memory_bytes, 2 << 20);
  EXPECT_EQ(spec->gpus, 1);
  const auto record = store_.ReadRecord(id_);
  ASSERT_OK(record);
  EXPECT_EQ(record->phase(), storage::v1::JobRecord::PHASE_RUNNING);
  EXPECT_EQ(record->attempt(), 2);
  EXPECT_EQ(record->start_count(), 1);
}

TEST_F(TrainerWorkTest, FindsTheProcessOfTheLastStartOnly) {
  EXPECT_EQ(*work_->FindProcess(), nullptr);
  const auto first = work_->PrepareStart(1);
  ASSERT_OK(launcher_.Start(*first));
  EXPECT_NE(*work_->FindProcess(), nullptr);
  ASSERT_OK(work_->OnFound());
  EXPECT_THAT(table_.Find(id_)->reason, HasSubstr("outlived a restart"));
  ASSERT_OK(work_->PrepareStart(2));
  EXPECT_EQ(*work_->FindProcess(), nullptr);
}

TEST_F(TrainerWorkTest, IsCompleteWhenThereIsABundle) {
  EXPECT_FALSE(*work_->IsComplete());
  WriteBundleOf(id_);
  EXPECT_TRUE(*work_->IsComplete());
}

TEST_F(TrainerWorkTest, ShowsWhatTheTrainerReports) {
  EXPECT_EQ(work_->ReadProgress().done, 0);
  WriteProgress(id_, 7);
  EXPECT_EQ(work_->ReadProgress().done, 7);
  EXPECT_EQ(table_.Find(id_)->progress.step(), 7);
  WriteProgress(id_, 0);
  EXPECT_EQ(work_->ReadProgress().error, "the data is bad");
}

TEST_F(TrainerWorkTest, CompletesTheProgressOfATrainerWithoutPatience) {
  work_->CompleteProgress();
  EXPECT_EQ(table_.Find(id_)->progress.step(), 0) << "nothing is known of the steps";
  WriteProgress(id_, 7);
  work_->ReadProgress();
  work_->CompleteProgress();
  EXPECT_EQ(table_.Find(id_)->progress.step(), 100);
}

TEST_F(TrainerWorkTest, ARetryIsOnRecordWithItsReason) {
  ASSERT_OK(work_->PrepareStart(3));
  ASSERT_OK(work_->OnRetry(0, "the trainer ended with 137"));
  EXPECT_EQ(store_.ReadRecord(id_)->attempt(), 0);
  EXPECT_EQ(table_.Find(id_)->reason, "the trainer ended with 137; it is started again soon");
}

TEST_F(TrainerWorkTest, StartsNothingForAJobThatWasCancelled) {
  ASSERT_OK(table_.Transition(id_, TrainingState::kCancelling, "cancelled"));
  EXPECT_THAT(work_->PrepareStart(1), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(work_->OnFound(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(table_.Record(id_).start_count(), 0);
}

}  // namespace
}  // namespace semblance::testing
