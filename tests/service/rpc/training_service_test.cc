#include "service/rpc/training_service.h"

#include <string>

#include "common/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/rpc/training_server.h"

namespace semblance::service {
namespace {

using ::semblance::testing::FieldOf;
using ::semblance::testing::JobOf;
using ::semblance::testing::ReasonOf;
using ::semblance::testing::TrainingServer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Calls a method that takes only the id of a job.
template <typename Request, typename Response>
grpc::Status CallById(TrainingServer& server, const std::string& id, Response* response,
                      grpc::Status (TrainingServer::Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
  Request request;
  request.set_job(id);
  grpc::ClientContext context;
  return (server.stub.get()->*method)(&context, request, response);
}

grpc::Status Create(TrainingServer& server, const v1::CreateTrainingJobRequest& request, v1::CreateTrainingJobResponse* response) {
  grpc::ClientContext context;
  return server.stub->CreateTrainingJob(&context, request, response);
}

TEST(TrainingServiceTest, CreatesWhatIsAsked) {
  TrainingServer server;
  v1::CreateTrainingJobRequest request;
  request.mutable_config()->set_model_name("shoes");
  request.set_from_catalog(true);
  v1::CreateTrainingJobResponse response;
  ASSERT_TRUE(Create(server, request, &response).ok());
  EXPECT_EQ(response.job().id(), "job-000007");
  EXPECT_EQ(response.job().state(), v1::TRAINING_JOB_STATE_QUEUED);
  EXPECT_TRUE(server.training.last_spec().from_catalog);
  EXPECT_THAT(server.training.calls(), ElementsAre("create shoes"));
}

TEST(TrainingServiceTest, RefusesToCreateWhatCannotBeMeant) {
  TrainingServer server;
  v1::CreateTrainingJobRequest request;
  request.set_on_success(static_cast<v1::OnSuccess>(9));
  v1::CreateTrainingJobResponse response;
  const grpc::Status status = Create(server, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "CONFIG_INVALID");
  EXPECT_EQ(FieldOf(status), "on_success");
  EXPECT_THAT(server.training.calls(), IsEmpty());
}

TEST(TrainingServiceTest, ErrorsOfTheControllerArriveWithReasonAndField) {
  TrainingServer server;
  server.training.FailWith(InvalidField("config.data.path", v1::ERROR_REASON_PATH_OUTSIDE_ROOT, "config.data.path is /etc"));
  v1::CreateTrainingJobResponse response;
  const grpc::Status status = Create(server, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "PATH_OUTSIDE_ROOT");
  EXPECT_EQ(FieldOf(status), "config.data.path");
}

TEST(TrainingServiceTest, GetsAJobWithTheEndOfItsLog) {
  TrainingServer server;
  server.training.Set(JobOf("job-000001", TrainingState::kRunning, 5));
  for (int i = 0; i < 30; ++i) {
    server.training.Log(absl::StrCat("line ", i));
  }
  v1::GetTrainingJobResponse response;
  ASSERT_TRUE(CallById(server, "job-000001", &response, &TrainingServer::Stub::GetTrainingJob).ok());
  EXPECT_EQ(response.job().progress().step(), 5);
  ASSERT_EQ(response.log_lines_size(), 20);
  EXPECT_EQ(response.log_lines(0), "line 10");
  EXPECT_EQ(response.log_lines(19), "line 29");
}

TEST(TrainingServiceTest, ListsTheJobsInTheOrderOfTheController) {
  TrainingServer server;
  server.training.Set(JobOf("job-000001", TrainingState::kSucceeded));
  server.training.Set(JobOf("job-000002", TrainingState::kRunning));
  v1::ListTrainingJobsResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub->ListTrainingJobs(&context, {}, &response).ok());
  ASSERT_EQ(response.jobs_size(), 2);
  EXPECT_EQ(response.jobs(0).id(), "job-000002");
  EXPECT_EQ(response.jobs(1).state(), v1::TRAINING_JOB_STATE_SUCCEEDED);
}

TEST(TrainingServiceTest, CancelsResumesAndDeletes) {
  TrainingServer server;
  v1::CancelTrainingJobResponse cancelled;
  ASSERT_TRUE(CallById(server, "job-000001", &cancelled, &TrainingServer::Stub::CancelTrainingJob).ok());
  EXPECT_EQ(cancelled.job().state(), v1::TRAINING_JOB_STATE_CANCELLING);
  v1::ResumeTrainingJobResponse resumed;
  ASSERT_TRUE(CallById(server, "job-000001", &resumed, &TrainingServer::Stub::ResumeTrainingJob).ok());
  EXPECT_EQ(resumed.job().state(), v1::TRAINING_JOB_STATE_QUEUED);
  v1::DeleteTrainingJobResponse deleted;
  ASSERT_TRUE(CallById(server, "job-000001", &deleted, &TrainingServer::Stub::DeleteTrainingJob).ok());
  EXPECT_THAT(server.training.calls(), ElementsAre("cancel job-000001", "resume job-000001", "delete job-000001"));
}

template <typename Request, typename Response>
void ExpectRefusesId(TrainingServer& server,
                     grpc::Status (TrainingServer::Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
  Response response;
  const grpc::Status status = CallById(server, "../job-000001", &response, method);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "INVALID_ID");
  EXPECT_EQ(FieldOf(status), "job");
}

TEST(TrainingServiceTest, EveryMethodRefusesWhatIsNoId) {
  TrainingServer server;
  ExpectRefusesId(server, &TrainingServer::Stub::GetTrainingJob);
  ExpectRefusesId(server, &TrainingServer::Stub::CancelTrainingJob);
  ExpectRefusesId(server, &TrainingServer::Stub::ResumeTrainingJob);
  ExpectRefusesId(server, &TrainingServer::Stub::DeleteTrainingJob);
  EXPECT_THAT(server.training.calls(), IsEmpty());
}

}  // namespace
}  // namespace semblance::service
