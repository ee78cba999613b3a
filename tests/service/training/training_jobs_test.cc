#include "service/training/training_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_replace.h"
#include "common/error.h"
#include "tests/service/training/training_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainingJobsTest : public TrainingFixture {};

TEST_F(TrainingJobsTest, RunsTheTrainerWithTheConfigOfTheJob) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  EXPECT_THAT(spec.arguments, ElementsAre("/opt/trainer", absl::StrCat("--config=", JobDir(id), "/config.textproto")));
  const auto text = ReadFile(JobDir(id) + "/config.textproto");
  ASSERT_OK(text);
  EXPECT_THAT(*text, HasSubstr(absl::StrCat("output_dir: \"", JobDir(id), "/model\"")));
  EXPECT_THAT(*text, HasSubstr(data_root() + "/shoes"));
  WriteBundleOf(id);
  cluster_.End(spec.name, 0);
  EXPECT_THAT(Await(id, service::TrainingState::kSucceeded).reason, HasSubstr("job's directory"));
}

TEST_F(TrainingJobsTest, ReportsWhatTheTrainerReports) {
  service::TrainingSpec patient = Spec();
  patient.config.mutable_validation()->set_fraction(0.2);
  patient.config.mutable_validation()->set_patience(2);
  const std::string id = Create(patient);
  const service::JobSpec spec = cluster_.AwaitStart(1);
  WriteProgress(id, 7);
  WriteBundleOf(id);
  cluster_.End(spec.name, 0);
  EXPECT_EQ(Await(id, service::TrainingState::kSucceeded).progress.step(), 7);
}

TEST_F(TrainingJobsTest, HasDoneAllStepsWhereNothingEndsARunBefore) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  WriteProgress(id, 7);
  WriteBundleOf(id);
  cluster_.End(spec.name, 0);
  EXPECT_EQ(Await(id, service::TrainingState::kSucceeded).progress.step(), 100);
}

TEST_F(TrainingJobsTest, FailsWithTheTrainersWordsAndDoesNotTryAgain) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  WriteProgress(id, 0);
  cluster_.End(spec.name, 42);
  EXPECT_THAT(Await(id, service::TrainingState::kFailed).reason, HasSubstr("ended with 42: the data is bad"));
  EXPECT_EQ(cluster_.specs().size(), 1u);
}

TEST_F(TrainingJobsTest, StartsATrainerAgainThatWasKilledUntilItMakesNoProgressTooOften) {
  const std::string id = Create();
  for (size_t start = 1; start <= 3; ++start) {
    cluster_.End(cluster_.AwaitStart(start).name, 137);
  }
  EXPECT_THAT(Await(id, service::TrainingState::kFailed).reason, HasSubstr("ended with 137"));
  EXPECT_EQ(cluster_.specs().size(), 3u);
}

TEST_F(TrainingJobsTest, AttemptsThatCameFurtherDoNotCount) {
  const std::string id = Create();
  for (size_t start = 1; start <= 5; ++start) {
    const service::JobSpec spec = cluster_.AwaitStart(start);
    WriteProgress(id, static_cast<int64_t>(start));
    cluster_.End(spec.name, 75);
  }
  const service::JobSpec last = cluster_.AwaitStart(6);
  WriteBundleOf(id);
  cluster_.End(last.name, 0);
  Await(id, service::TrainingState::kSucceeded);
}

TEST_F(TrainingJobsTest, EveryStartHasANameOfItsOwn) {
  Create();
  const service::JobSpec first = cluster_.AwaitStart(1);
  cluster_.End(first.name, 75);
  EXPECT_NE(cluster_.AwaitStart(2).name, first.name);
}

TEST_F(TrainingJobsTest, QueuesWhatMayNotRunYet) {
  const std::string first = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  const std::string second = Create();
  const std::string third = Create();
  EXPECT_EQ(jobs_->Get(second)->state, service::TrainingState::kQueued);
  const auto refused = jobs_->Create(Spec());
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_QUEUE_FULL);
  EXPECT_TRUE(RetryDelay(refused.status()).has_value());
  WriteBundleOf(first);
  cluster_.End(spec.name, 0);
  cluster_.AwaitStart(2);
  EXPECT_EQ(Await(second, service::TrainingState::kRunning).state, service::TrainingState::kRunning);
  EXPECT_EQ(jobs_->Get(third)->state, service::TrainingState::kQueued);
}

TEST_F(TrainingJobsTest, CancelStopsTheTrainerAndResumeStartsItAgain) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  Await(id, service::TrainingState::kRunning);
  ASSERT_OK(jobs_->Cancel(id));
  Await(id, service::TrainingState::kCancelled);
  EXPECT_FALSE(cluster_.Runs(spec.name));
  EXPECT_OK(jobs_->Cancel(id));
  ASSERT_OK(jobs_->Resume(id));
  const service::JobSpec again = cluster_.AwaitStart(2);
  WriteBundleOf(id);
  cluster_.End(again.name, 0);
  Await(id, service::TrainingState::kSucceeded);
  EXPECT_EQ(ReasonOf(jobs_->Cancel(id).status()), v1::ERROR_REASON_JOB_ENDED);
  EXPECT_EQ(ReasonOf(jobs_->Resume(id).status()), v1::ERROR_REASON_JOB_NOT_RESUMABLE);
}

TEST_F(TrainingJobsTest, StopsATrainerThatOutlivedTheServerWhenItsJobIsCancelledBeforeAWorkerHasIt) {
  const std::string first = Create();
  const service::JobSpec of_first = cluster_.AwaitStart(1);
  Await(first, service::TrainingState::kRunning);
  jobs_.reset();
  // A second job was running as well, although the next server may run only one job at a time.
  const auto store = service::TrainingStore::Open(models_.data_dir());
  ASSERT_OK(store);
  const auto second = store->Create({}, {});
  ASSERT_OK(second);
  storage::v1::JobRecord record;
  record.set_phase(storage::v1::JobRecord::PHASE_RUNNING);
  record.set_start_count(1);
  ASSERT_OK(store->WriteRecord(second->id(), record));
  service::JobSpec spec;
  spec.name = of_first.name.substr(0, of_first.name.find("job-")) + second->id() + "-1";
  cluster_.Start(spec);
  Restart();
  // The worker watches the second job, and the first job waits for it.
  Await(second->id(), service::TrainingState::kRunning);
  ASSERT_OK(jobs_->Cancel(first));
  EXPECT_EQ(jobs_->Get(first)->state, service::TrainingState::kCancelling);
  ASSERT_OK(jobs_->Cancel(second->id()));
  Await(first, service::TrainingState::kCancelled);
  EXPECT_FALSE(cluster_.Runs(of_first.name));
}

TEST_F(TrainingJobsTest, ResumesAJobWhoseConfigAnEarlierVersionHasWritten) {
  service::TrainingSpec spec = Spec();
  spec.config.mutable_data()->clear_path();
  spec.from_catalog = true;
  const std::string id = Create(spec);
  const service::JobSpec job = cluster_.AwaitStart(1);
  Await(id, service::TrainingState::kRunning);
  jobs_.reset();
  cluster_.End(job.name, 137);
  const auto text = ReadFile(JobDir(id) + "/config.textproto");
  ASSERT_OK(text);
  ASSERT_OK(
      WriteFileAtomically(JobDir(id) + "/config.textproto", absl::StrReplaceAll(*text, {{"catalog_path:", "catalogue_path:"}})));
  Restart();
  const service::JobSpec again = cluster_.AwaitStart(2);
  EXPECT_EQ(jobs_->Get(id)->config.data().catalog_path(), models_.data_dir() + "/catalogue.db");
  EXPECT_EQ(*ReadFile(JobDir(id) + "/config.textproto"), *text) << "the trainer reads the file";
  WriteBundleOf(id);
  cluster_.End(again.name, 0);
  Await(id, service::TrainingState::kSucceeded);
}

TEST_F(TrainingJobsTest, CancelsAJobThatWaits) {
  Create();
  cluster_.AwaitStart(1);
  const std::string waiting = Create();
  const auto cancelled = jobs_->Cancel(waiting);
  ASSERT_OK(cancelled);
  EXPECT_EQ(cancelled->state, service::TrainingState::kCancelled);
  Restart();
  EXPECT_EQ(jobs_->Get(waiting)->state, service::TrainingState::kCancelled);
}

TEST_F(TrainingJobsTest, DeletesOnlyWhatHasEnded) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  EXPECT_EQ(ReasonOf(jobs_->Delete(id)), v1::ERROR_REASON_JOB_RUNNING);
  WriteBundleOf(id);
  cluster_.End(spec.name, 0);
  Await(id, service::TrainingState::kSucceeded);
  ASSERT_OK(jobs_->Delete(id));
  EXPECT_EQ(ReasonOf(jobs_->Get(id).status()), v1::ERROR_REASON_JOB_NOT_FOUND);
  EXPECT_FALSE(PathExists(JobDir(id)));
  EXPECT_NE(Create(), id);
}

TEST_F(TrainingJobsTest, WatchesATrainerThatOutlivedTheServer) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  Await(id, service::TrainingState::kRunning);
  Restart();
  EXPECT_THAT(Await(id, service::TrainingState::kRunning).id, id);
  WriteBundleOf(id);
  cluster_.End(spec.name, 0);
  Await(id, service::TrainingState::kSucceeded);
  EXPECT_EQ(cluster_.specs().size(), 1u);
}

TEST_F(TrainingJobsTest, StartsATrainerAgainThatEndedWhileThereWasNoServer) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  Await(id, service::TrainingState::kRunning);
  jobs_.reset();
  cluster_.End(spec.name, 137);
  Restart();
  cluster_.AwaitStart(2);
}

TEST_F(TrainingJobsTest, FindsTheBundleOfATrainerThatEndedWhileThereWasNoServer) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  Await(id, service::TrainingState::kRunning);
  jobs_.reset();
  WriteBundleOf(id);
  cluster_.End(spec.name, 0);
  Restart();
  Await(id, service::TrainingState::kSucceeded);
  EXPECT_EQ(cluster_.specs().size(), 1u);
}

TEST_F(TrainingJobsTest, CarriesACancellationOutAfterARestart) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  Await(id, service::TrainingState::kRunning);
  jobs_.reset();
  auto record = ReadJsonRecord<storage::v1::JobRecord>(JobDir(id) + "/state.json");
  ASSERT_OK(record);
  record->set_phase(storage::v1::JobRecord::PHASE_CANCELLING);
  ASSERT_OK(WriteJsonRecord(JobDir(id) + "/state.json", *record));
  Restart();
  Await(id, service::TrainingState::kCancelled);
  EXPECT_FALSE(cluster_.Runs(spec.name));
}

TEST_F(TrainingJobsTest, ADamagedRecordHarmsNoOtherJobAndCanBeDeleted) {
  const std::string id = Create();
  const service::JobSpec spec = cluster_.AwaitStart(1);
  WriteBundleOf(id);
  cluster_.End(spec.name, 0);
  Await(id, service::TrainingState::kSucceeded);
  jobs_.reset();
  ASSERT_OK(WriteFileAtomically(JobDir(id) + "/state.json", "{"));
  Restart();
  EXPECT_EQ(jobs_->Get(id)->state, service::TrainingState::kFailed);
  EXPECT_THAT(jobs_->Get(id)->reason, HasSubstr("state.json"));
  EXPECT_OK(jobs_->Delete(id));
}

TEST_F(TrainingJobsTest, AnswersARepeatedRequestWithTheSameJob) {
  service::TrainingSpec spec = Spec();
  spec.request_id = "nightly";
  const std::string id = Create(spec);
  EXPECT_EQ(Create(spec), id);
  spec.replicas = 2;
  EXPECT_EQ(ReasonOf(jobs_->Create(spec).status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(TrainingJobsTest, RegistersTheModel) {
  service::TrainingSpec spec = Spec();
  spec.on_success = service::OnSuccess::kRegister;
  const std::string id = Create(spec);
  const service::JobSpec job = cluster_.AwaitStart(1);
  WriteBundleOf(id);
  cluster_.End(job.name, 0);
  EXPECT_EQ(Await(id, service::TrainingState::kSucceeded).model, "shoes/1");
  EXPECT_OK(models_.registry().Find("shoes/1"));
}

TEST_F(TrainingJobsTest, APublicationThatWasInterruptedRegistersNothingTwice) {
  service::TrainingSpec spec = Spec();
  spec.on_success = service::OnSuccess::kRegister;
  const std::string id = Create(spec);
  const service::JobSpec job = cluster_.AwaitStart(1);
  WriteBundleOf(id);
  cluster_.End(job.name, 0);
  Await(id, service::TrainingState::kSucceeded);
  jobs_.reset();
  auto record = ReadJsonRecord<storage::v1::JobRecord>(JobDir(id) + "/state.json");
  ASSERT_OK(record);
  record->set_phase(storage::v1::JobRecord::PHASE_PUBLISHING);
  ASSERT_OK(WriteJsonRecord(JobDir(id) + "/state.json", *record));
  Restart();
  EXPECT_EQ(Await(id, service::TrainingState::kSucceeded).model, "shoes/1");
  EXPECT_EQ(models_.registry().List("shoes")->size(), 1u);
}

TEST_F(TrainingJobsTest, HandsReplicasToTheLauncherOrToTheTrainer) {
  service::TrainingSpec spec = Spec();
  spec.replicas = 2;
  const std::string id = Create(spec);
  const service::JobSpec local = cluster_.AwaitStart(1);
  EXPECT_THAT(local.arguments, Contains("--nproc=2"));
  EXPECT_EQ(local.replicas, 1);
  launcher_.set_launches_replicas(true);
  cluster_.End(local.name, 75);
  const service::JobSpec spread = cluster_.AwaitStart(2);
  EXPECT_EQ(spread.arguments.size(), 2u);
  EXPECT_EQ(spread.replicas, 2);
}

TEST_F(TrainingJobsTest, NeedsLabelsToTrainOnTheCatalog) {
  service::TrainingSpec spec = Spec();
  spec.config.mutable_data()->clear_path();
  spec.from_catalog = true;
  has_labeled_items_ = false;
  EXPECT_EQ(ReasonOf(jobs_->Create(spec).status()), v1::ERROR_REASON_NO_LABELED_ITEMS);
  has_labeled_items_ = true;
  const std::string id = Create(spec);
  EXPECT_EQ(jobs_->Get(id)->config.data().catalog_path(), models_.data_dir() + "/catalogue.db");
}

}  // namespace
}  // namespace semblance::testing
