// Tests training as a job of the service, through the programs: labels in the catalog lead to a better model that answers.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/generation_client.h"
#include "tests/integration/job_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::HasSubstr;

using JobsTest = JobFixture;

// Training takes seconds, so that a job does not end before a test has acted on it.
constexpr int kLongEpochs = 400;

// Searches without a pause, and counts the searches that fail.
class Searches {
 public:
  explicit Searches(const std::shared_ptr<grpc::Channel>& channel)
      : thread_([this, stub = v1::SearchService::NewStub(channel)] {
          while (!stop_) {
            grpc::ClientContext context;
            v1::SearchRequest request;
            request.mutable_query()->set_image(PatternImage(count_ % kClasses, count_));
            request.set_top_k(3);
            v1::SearchResponse response;
            failed_ += stub->Search(&context, request, &response).ok() ? 0 : 1;
            ++count_;
          }
        }) {}
  ~Searches() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  int count() const { return count_; }
  int failed() const { return failed_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> count_ = 0;
  std::atomic<int> failed_ = 0;
  std::thread thread_;
};

TEST_F(JobsTest, LabelsOfTheCatalogBecomeABetterModelThatAnswersAndAWorseOneDoesNot) {
  const GenerationClient generations(server_->channel());
  const double before = Recall();
  Searches searches(server_->channel());
  const std::string id = Create(Request(kLongEpochs / 2, v1::ON_SUCCESS_ACTIVATE_IF_BETTER));
  bool has_progress = false;
  const v1::TrainingJob job = WatchUntil(id, [&](const v1::TrainingJob& seen) {
    has_progress = has_progress || HasTrained(seen);
    return false;
  });
  ASSERT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();
  EXPECT_TRUE(has_progress);
  EXPECT_EQ(job.model(), "patterns/1");
  EXPECT_FALSE(log_lines_.empty());
  EXPECT_EQ(generations.List().active(), job.generation()) << job.state_reason();
  const v1::Generation generation = generations.Get(job.generation());
  EXPECT_GE(generation.evaluation().label_query_count(), 20);
  EXPECT_LT(generation.evaluation().label_query_count(), kClasses * kEach / 2);
  EXPECT_GT(Recall(), before);

  // An untrained model is worse.
  v1::CreateTrainingJobRequest request = Request(/*epochs=*/0, v1::ON_SUCCESS_ACTIVATE_IF_BETTER);
  request.mutable_config()->set_seed(7);
  const v1::TrainingJob worse = WatchToTheEnd(Create(request));
  EXPECT_EQ(worse.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << worse.state_reason();
  EXPECT_THAT(worse.state_reason(), HasSubstr("not activated: its recall@1"));
  EXPECT_EQ(generations.List().active(), job.generation());
  searches.Stop();
  EXPECT_EQ(searches.failed(), 0) << "of " << searches.count();
}

TEST_F(JobsTest, ATrainerOutlivesTheServerAndAKilledOneGoesOnToTheSameWeights) {
  v1::CreateTrainingJobRequest request = Request(kLongEpochs, v1::ON_SUCCESS_REGISTER);
  request.mutable_config()->mutable_checkpoint()->set_every_steps(20);
  const v1::TrainingJob plain = WatchToTheEnd(Create(request));
  ASSERT_EQ(plain.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << plain.state_reason();

  const std::string id = Create(request);
  WatchUntil(id, HasTrained);
  std::vector<pid_t> trainers = TrainerPids();
  ASSERT_EQ(trainers.size(), 1u);
  KillServer();
  Start();
  EXPECT_EQ(TrainerPids(), trainers);
  WatchUntil(id, [](const v1::TrainingJob& job) { return job.progress().step() > 40; });
  ::kill(trainers[0], SIGKILL);
  const v1::TrainingJob job = WatchToTheEnd(id);
  ASSERT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();

  ExpectOneSpaceTwice();
}

TEST_F(JobsTest, SigtermOfServerAndTrainerLosesNothing) {
  v1::CreateTrainingJobRequest request = Request(kLongEpochs, v1::ON_SUCCESS_REGISTER);
  const v1::TrainingJob plain = WatchToTheEnd(Create(request));
  ASSERT_EQ(plain.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << plain.state_reason();

  const std::string id = Create(request);
  WatchUntil(id, HasTrained);
  const std::vector<pid_t> trainers = TrainerPids();
  ASSERT_EQ(trainers.size(), 1u);
  server_->process().Signal(SIGTERM);
  EXPECT_EQ(server_->process().Wait(), 0);
  Start();
  EXPECT_EQ(TrainerPids(), trainers);
  // An operator may stop a trainer without telling the server.
  ::kill(trainers[0], SIGTERM);
  log_lines_.clear();
  const v1::TrainingJob job = WatchToTheEnd(id);
  ASSERT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();
  EXPECT_THAT(log_lines_, ::testing::Contains(HasSubstr("resumes after step")));
  ExpectOneSpaceTwice();
}

TEST_F(JobsTest, CancelKeepsACheckpointThatResumeGoesOnFrom) {
  const std::string id = Create(Request(kLongEpochs, v1::ON_SUCCESS_NOTHING));
  WatchUntil(id, HasTrained);
  const absl::Time start = absl::Now();
  {
    grpc::ClientContext context;
    v1::CancelTrainingJobRequest request;
    request.set_job(id);
    v1::CancelTrainingJobResponse response;
    ASSERT_TRUE(jobs_->CancelTrainingJob(&context, request, &response).ok());
  }
  EXPECT_EQ(WatchToTheEnd(id).state(), v1::TRAINING_JOB_STATE_CANCELLED);
  EXPECT_LT(absl::Now() - start, absl::Seconds(30));
  EXPECT_TRUE(TrainerPids().empty());
  {
    grpc::ClientContext context;
    v1::ResumeTrainingJobRequest request;
    request.set_job(id);
    v1::ResumeTrainingJobResponse response;
    ASSERT_TRUE(jobs_->ResumeTrainingJob(&context, request, &response).ok());
  }
  log_lines_.clear();
  const v1::TrainingJob job = WatchToTheEnd(id);
  EXPECT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();
  EXPECT_THAT(log_lines_, ::testing::Contains(HasSubstr("resumes after step")));
}

TEST_F(JobsTest, TwoRanksTrainTogetherWithProgress) {
  v1::CreateTrainingJobRequest request = Request(kLongEpochs / 8, v1::ON_SUCCESS_REGISTER);
  request.set_replicas(2);
  const v1::TrainingJob job = WatchToTheEnd(Create(request));
  EXPECT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();
  EXPECT_GT(job.progress().step(), 0);
  EXPECT_EQ(job.progress().step(), job.progress().total_steps());
}

TEST_F(JobsTest, TwoRanksOfWhichOneIsKilledGoOnToTheSameWeights) {
  v1::CreateTrainingJobRequest request = Request(kLongEpochs / 8, v1::ON_SUCCESS_REGISTER);
  request.set_replicas(2);
  request.mutable_config()->mutable_checkpoint()->set_every_steps(10);
  const v1::TrainingJob plain = WatchToTheEnd(Create(request));
  ASSERT_EQ(plain.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << plain.state_reason();

  const std::string id = Create(request);
  WatchUntil(id, [](const v1::TrainingJob& job) { return job.progress().step() > 20; });
  const std::vector<pid_t> processes = TrainerProcesses();
  ASSERT_GE(processes.size(), 2u);
  ::kill(processes.back(), SIGKILL);
  log_lines_.clear();
  const v1::TrainingJob job = WatchToTheEnd(id);
  ASSERT_EQ(job.state(), v1::TRAINING_JOB_STATE_SUCCEEDED) << job.state_reason();
  EXPECT_THAT(log_lines_, ::testing::Contains(HasSubstr("resumes after step")));
  ExpectOneSpaceTwice();
}

TEST_F(JobsTest, BadDataFailsTheJobWithTheTrainersWords) {
  ASSERT_OK(CreateDirectories(data_dir() + "/training_data/empty"));
  v1::CreateTrainingJobRequest request = Request(/*epochs=*/1, v1::ON_SUCCESS_NOTHING);
  request.set_from_catalog(false);
  request.mutable_config()->mutable_data()->set_path("empty");
  const v1::TrainingJob job = WatchToTheEnd(Create(request));
  EXPECT_EQ(job.state(), v1::TRAINING_JOB_STATE_FAILED);
  EXPECT_THAT(job.state_reason(), HasSubstr("42"));
}

}  // namespace
}  // namespace semblance::testing
