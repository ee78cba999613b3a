#include "service/http/training_metrics.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::service {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TrainingInfo JobOf(const std::string& id, TrainingState state, int64_t second = 0) {
  TrainingInfo info;
  info.id = id;
  info.state = state;
  info.state_time = absl::FromUnixSeconds(second);
  return info;
}

class TrainingMetricsTest : public ::testing::Test {
 protected:
  std::string Text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  TrainingMetrics metrics_{&registry_};
};

TEST_F(TrainingMetricsTest, JobsAreCountedByState) {
  metrics_.Set({JobOf("job-000003", TrainingState::kQueued), JobOf("job-000002", TrainingState::kQueued),
                JobOf("job-000001", TrainingState::kRunning)});
  EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_training_jobs{state="queued"} 2)"),
                            HasSubstr(R"(semblance_training_jobs{state="running"} 1)"),
                            HasSubstr(R"(semblance_training_jobs{state="failed"} 0)")));
  metrics_.Set({});
  EXPECT_THAT(Text(), HasSubstr(R"(semblance_training_jobs{state="queued"} 0)"));
}

TEST_F(TrainingMetricsTest, OnlyJobsThatRunHaveSeriesOfTheirOwn) {
  TrainingInfo running = JobOf("job-000001", TrainingState::kRunning);
  running.progress.set_step(30);
  running.progress.set_total_steps(120);
  running.progress.set_loss(0.5);
  running.progress.set_recall_at_1(0.75);
  running.progress.set_images_per_second(250);
  TrainingInfo ended = running;
  ended.id = "job-000002";
  ended.state = TrainingState::kSucceeded;
  metrics_.Set({ended, running});
  EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_training_job_step{training_job="job-000001"} 30)"),
                            HasSubstr(R"(semblance_training_job_total_steps{training_job="job-000001"} 120)"),
                            HasSubstr(R"(semblance_training_job_loss{training_job="job-000001"} 0.5)"),
                            HasSubstr(R"(semblance_training_job_recall_at_1{training_job="job-000001"} 0.75)"),
                            HasSubstr(R"(semblance_training_job_images_per_second{training_job="job-000001"} 250)"),
                            Not(HasSubstr("job-000002"))));
  running.state = TrainingState::kPublishing;
  metrics_.Set({ended, running});
  EXPECT_THAT(Text(), Not(HasSubstr("job-000001")));
}

TEST_F(TrainingMetricsTest, WhatIsNotMeasuredYetHasNoSeries) {
  metrics_.Set({JobOf("job-000001", TrainingState::kRunning)});
  EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_training_job_step{training_job="job-000001"} 0)"),
                            Not(HasSubstr("semblance_training_job_loss{")), Not(HasSubstr("semblance_training_job_recall_at_1{"))));
}

TEST_F(TrainingMetricsTest, JobsThatEndAreCountedOnceByResult) {
  EXPECT_THAT(Text(), HasSubstr(R"(semblance_training_jobs_ended_total{result="succeeded"} 0)"));
  const TrainingInfo old = JobOf("job-000001", TrainingState::kSucceeded, 1);
  metrics_.Set({JobOf("job-000002", TrainingState::kRunning), old});
  EXPECT_THAT(Text(), HasSubstr(R"(semblance_training_jobs_ended_total{result="succeeded"} 0)"));
  // The last job began and ended between two scrapes.
  const TrainingInfo failed = JobOf("job-000002", TrainingState::kFailed, 2);
  const TrainingInfo cancelled = JobOf("job-000003", TrainingState::kCancelled, 2);
  for (int scrape = 0; scrape < 2; ++scrape) {
    metrics_.Set({cancelled, failed, old});
    EXPECT_THAT(Text(), AllOf(HasSubstr(R"(semblance_training_jobs_ended_total{result="succeeded"} 0)"),
                              HasSubstr(R"(semblance_training_jobs_ended_total{result="failed"} 1)"),
                              HasSubstr(R"(semblance_training_jobs_ended_total{result="cancelled"} 1)")));
  }
}

TEST_F(TrainingMetricsTest, AJobThatIsResumedEndsAgainAndADeletedOneTakesNothingAway) {
  metrics_.Set({});
  metrics_.Set({JobOf("job-000001", TrainingState::kFailed, 1)});
  metrics_.Set({JobOf("job-000001", TrainingState::kFailed, 5)});
  metrics_.Set({});
  EXPECT_THAT(Text(), HasSubstr(R"(semblance_training_jobs_ended_total{result="failed"} 2)"));
}

}  // namespace
}  // namespace semblance::service
