// Training jobs as a server describes them.
#ifndef SEMBLANCE_TESTS_CLI_JOB_MESSAGES_H_
#define SEMBLANCE_TESTS_CLI_JOB_MESSAGES_H_

#include <string>
#include <vector>

#include "semblance/v1/training_service.pb.h"

namespace semblance::testing {

// Makes a job that trains the model shoes from the catalog. Its state dates from 2023-11-14T22:13:20.
inline v1::TrainingJob MakeJob(v1::TrainingJobState state, const std::string& reason = "") {
  v1::TrainingJob job;
  job.set_id("job-000003");
  job.set_state(state);
  job.set_state_reason(reason);
  job.set_from_catalog(true);
  job.set_on_success(v1::ON_SUCCESS_BUILD);
  job.set_replicas(1);
  job.set_attempt(1);
  job.mutable_config()->set_model_name("shoes");
  job.mutable_create_time()->set_seconds(1'699'999'999);
  job.mutable_state_time()->set_seconds(1'700'000'000);
  return job;
}

// Makes a job that is running, at the given step of 100.
inline v1::TrainingJob MakeRunningJob(int step) {
  v1::TrainingJob job = MakeJob(v1::TRAINING_JOB_STATE_RUNNING);
  v1::TrainingProgress& progress = *job.mutable_progress();
  progress.set_step(step);
  progress.set_total_steps(100);
  progress.set_epoch(2);
  progress.set_total_epochs(4);
  progress.set_loss(0.5);
  progress.set_recall_at_1(0.75);
  progress.set_images_per_second(250);
  progress.mutable_time_left()->set_seconds(65);
  progress.set_activity("training");
  return job;
}

inline v1::WatchTrainingJobResponse JobAnswer(const v1::TrainingJob& job, const std::vector<std::string>& log_lines = {}) {
  v1::WatchTrainingJobResponse response;
  *response.mutable_job() = job;
  response.mutable_log_lines()->Add(log_lines.begin(), log_lines.end());
  return response;
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CLI_JOB_MESSAGES_H_
