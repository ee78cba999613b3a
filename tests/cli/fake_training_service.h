// A TrainingService that gives the answers that the test sets.
#ifndef SEMBLANCE_TESTS_CLI_FAKE_TRAINING_SERVICE_H_
#define SEMBLANCE_TESTS_CLI_FAKE_TRAINING_SERVICE_H_

#include <functional>

#include "semblance/v1/training_service.grpc.pb.h"
#include "tests/cli/fake_method.h"

namespace semblance::testing {

class FakeTrainingService : public v1::TrainingService::Service {
 public:
  FakeMethod<v1::CreateTrainingJobRequest, v1::CreateTrainingJobResponse> create;
  FakeMethod<v1::GetTrainingJobRequest, v1::GetTrainingJobResponse> get;
  FakeMethod<v1::ListTrainingJobsRequest, v1::ListTrainingJobsResponse> list;
  FakeMethod<v1::CancelTrainingJobRequest, v1::CancelTrainingJobResponse> cancel;
  FakeMethod<v1::ResumeTrainingJobRequest, v1::ResumeTrainingJobResponse> resume;
  FakeMethod<v1::DeleteTrainingJobRequest, v1::DeleteTrainingJobResponse> delete_job;
  // Writes the messages of the stream. Its status ends the stream.
  std::function<grpc::Status(const v1::WatchTrainingJobRequest&, grpc::ServerWriter<v1::WatchTrainingJobResponse>&)> watch =
      [](const auto&, auto&) { return grpc::Status::OK; };

  grpc::Status CreateTrainingJob(grpc::ServerContext*, const v1::CreateTrainingJobRequest* request,
                                 v1::CreateTrainingJobResponse* response) override {
    return create.Call(*request, response);
  }

  grpc::Status GetTrainingJob(grpc::ServerContext*, const v1::GetTrainingJobRequest* request,
                              v1::GetTrainingJobResponse* response) override {
    return get.Call(*request, response);
  }

  grpc::Status ListTrainingJobs(grpc::ServerContext*, const v1::ListTrainingJobsRequest* request,
                                v1::ListTrainingJobsResponse* response) override {
    return list.Call(*request, response);
  }

  grpc::Status CancelTrainingJob(grpc::ServerContext*, const v1::CancelTrainingJobRequest* request,
                                 v1::CancelTrainingJobResponse* response) override {
    return cancel.Call(*request, response);
  }

  grpc::Status ResumeTrainingJob(grpc::ServerContext*, const v1::ResumeTrainingJobRequest* request,
                                 v1::ResumeTrainingJobResponse* response) override {
    return resume.Call(*request, response);
  }

  grpc::Status DeleteTrainingJob(grpc::ServerContext*, const v1::DeleteTrainingJobRequest* request,
                                 v1::DeleteTrainingJobResponse* response) override {
    return delete_job.Call(*request, response);
  }

  grpc::Status WatchTrainingJob(grpc::ServerContext*, const v1::WatchTrainingJobRequest* request,
                                grpc::ServerWriter<v1::WatchTrainingJobResponse>* writer) override {
    return watch(*request, *writer);
  }
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CLI_FAKE_TRAINING_SERVICE_H_
