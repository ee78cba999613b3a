#include "cli/text/job_text.h"

#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/job_messages.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::MakeJob;
using ::semblance::testing::MakeRunningJob;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Print(const v1::TrainingJob& job) {
  v1::GetTrainingJobResponse response;
  *response.mutable_job() = job;
  std::ostringstream out;
  PrintJob(response, out);
  return out.str();
}

TEST(JobTextTest, StatesAreInLowerCase) {
  EXPECT_EQ(StateName(v1::TRAINING_JOB_STATE_CANCELLING), "cancelling");
  // A newer server may have states that this client does not know.
  EXPECT_EQ(StateName(static_cast<v1::TrainingJobState>(99)), "state 99");
}

TEST(JobTextTest, OnlyWhatWasMeasuredIsShown) {
  v1::TrainingProgress progress;
  EXPECT_EQ(Measurements(progress), "");
  progress.set_loss(0.25);
  EXPECT_EQ(Measurements(progress), "loss 0.2500");
  progress.set_recall_at_1(0);
  progress.set_total_epochs(4);
  EXPECT_EQ(Measurements(progress), "epoch 0/4, loss 0.2500, recall@1 0.0000");
  progress.set_images_per_second(511.6);
  EXPECT_EQ(Measurements(progress), "epoch 0/4, loss 0.2500, recall@1 0.0000, 512 images/s");
}

TEST(JobTextTest, AShareIsShownWhileTheJobRuns) {
  EXPECT_THAT(Print(MakeRunningJob(45)), HasSubstr("running 45%\n"));
  v1::TrainingJob job = MakeRunningJob(45);
  job.set_state(v1::TRAINING_JOB_STATE_CANCELLED);
  EXPECT_THAT(Print(job), HasSubstr("cancelled\n"));
  job = MakeJob(v1::TRAINING_JOB_STATE_RUNNING);
  EXPECT_THAT(Print(job), HasSubstr("running\n"));
  EXPECT_THAT(Print(job), Not(HasSubstr("progress")));
}

TEST(JobTextTest, TheModelHasItsVersionOnceItIsRegistered) {
  v1::TrainingJob job = MakeJob(v1::TRAINING_JOB_STATE_PUBLISHING);
  EXPECT_THAT(Print(job), HasSubstr("model       shoes\n"));
  job.set_model("shoes/3");
  EXPECT_THAT(Print(job), HasSubstr("model       shoes/3\n"));
}

TEST(JobTextTest, TheDataIsThePathOrTheCatalog) {
  v1::TrainingJob job = MakeJob(v1::TRAINING_JOB_STATE_QUEUED);
  EXPECT_THAT(Print(job), HasSubstr("data        the catalog\n"));
  job.set_from_catalog(false);
  job.mutable_config()->mutable_data()->set_path("photos");
  EXPECT_THAT(Print(job), HasSubstr("data        photos\n"));
}

TEST(JobTextTest, TheLogComesLast) {
  v1::GetTrainingJobResponse response;
  *response.mutable_job() = MakeRunningJob(1);
  response.add_log_lines("one");
  response.add_log_lines("two");
  std::ostringstream out;
  PrintJob(response, out);
  EXPECT_THAT(out.str(), EndsWith("\n\none\ntwo\n"));
}

}  // namespace
}  // namespace semblance::cli
