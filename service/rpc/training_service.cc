#include "service/rpc/training_service.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "semblance/v1/training_service.grpc.pb.h"
#include "service/rpc/blocking_calls.h"
#include "service/rpc/training_convert.h"
#include "service/rpc/watch_call.h"

namespace semblance::service {
namespace {

constexpr int kControlThreads = 2;
constexpr size_t kMaxQueued = 16;
// The largest part of a log's end that is returned.
constexpr int kTailLines = 20;
// The most lines in one message of a watch. Together they have less than 2 MiB, and clients accept 4 MiB.
constexpr int kMaxLines = 200;

using TrainingWatch = WatchCall<v1::WatchTrainingJobResponse>;

// Adds to each message of a watch the log lines since the message before.
class LogFollower {
 public:
  LogFollower(const TrainingController* training, std::string job) : training_(training), job_(std::move(job)) {}

  // Reads a few kilobytes that were just written. This is fast enough for a thread that should not block.
  void operator()(v1::WatchTrainingJobResponse* response) {
    const absl::StatusOr<LogLines> log = training_->ReadLog(job_, offset_, offset_ < 0 ? kTailLines : kMaxLines);
    // If the log cannot be read now, the next message contains its lines.
    if (log.ok()) {
      ToProto(*log, response->mutable_log_lines());
      offset_ = log->next_offset;
    }
  }

 private:
  const TrainingController* training_;
  std::string job_;
  int64_t offset_ = -1;
};

// Forwards each state of a job to a watch. Calls come one at a time.
class WatchObserver {
 public:
  explicit WatchObserver(std::shared_ptr<TrainingWatch> watch) : watch_(std::move(watch)) {}

  void operator()(const std::optional<TrainingInfo>& info) {
    if (!info.has_value()) {
      return watch_->End(absl::OkStatus());
    }
    const bool changed = info->state != state_ || info->reason != reason_;
    state_ = info->state;
    reason_ = info->reason;
    v1::WatchTrainingJobResponse response;
    ToProto(*info, response.mutable_job());
    watch_->Send(std::move(response), changed);
    if (HasEnded(info->state)) {
      watch_->End(absl::OkStatus());
    }
  }

 private:
  const std::shared_ptr<TrainingWatch> watch_;
  // The state that the last call gave.
  std::optional<TrainingState> state_;
  std::string reason_;
};

template <typename Response>
absl::Status FillJob(const absl::StatusOr<TrainingInfo>& info, Response* response) {
  if (info.ok()) {
    ToProto(*info, response->mutable_job());
  }
  return info.status();
}

class TrainingServiceAdaptor final : public v1::TrainingService::CallbackService {
 public:
  TrainingServiceAdaptor(TrainingController* training, CallTracker* calls, absl::Duration min_progress_interval)
      : training_(training), calls_(calls), min_progress_interval_(min_progress_interval) {}

  grpc::ServerUnaryReactor* CreateTrainingJob(grpc::CallbackServerContext* context, const v1::CreateTrainingJobRequest* request,
                                              v1::CreateTrainingJobResponse* response) override {
    return RunOnControlThread(context, "CreateTrainingJob", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_ASSIGN_OR_RETURN(const TrainingSpec spec, FromProto(*request));
      return FillJob(training_->Create(spec), response);
    });
  }

  grpc::ServerUnaryReactor* GetTrainingJob(grpc::CallbackServerContext* context, const v1::GetTrainingJobRequest* request,
                                           v1::GetTrainingJobResponse* response) override {
    return RunOnControlThread(context, "GetTrainingJob", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckTrainingJobId("job", request->job()));
      SEMBLANCE_RETURN_IF_ERROR(FillJob(training_->Get(request->job()), response));
      SEMBLANCE_ASSIGN_OR_RETURN(const LogLines log, training_->ReadLog(request->job(), /*offset=*/-1, kTailLines));
      ToProto(log, response->mutable_log_lines());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ListTrainingJobs(grpc::CallbackServerContext* context, const v1::ListTrainingJobsRequest* request,
                                             v1::ListTrainingJobsResponse* response) override {
    return RunOnControlThread(context, "ListTrainingJobs", *request, [this, response]() -> absl::Status {
      SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<TrainingInfo> jobs, training_->List());
      for (const TrainingInfo& info : jobs) {
        ToProto(info, response->add_jobs());
      }
      return absl::OkStatus();
    });
  }

  grpc::ServerWriteReactor<v1::WatchTrainingJobResponse>* WatchTrainingJob(grpc::CallbackServerContext* /*context*/,
                                                                           const v1::WatchTrainingJobRequest* request) override {
    const auto watch =
        TrainingWatch::Start(calls_, {v1::TrainingService::service_full_name(), "WatchTrainingJob"}, min_progress_interval_);
    if (const absl::Status status = CheckTrainingJobId("job", request->job()); !status.ok()) {
      watch->End(status);
      return watch->reactor();
    }
    watch->set_before_write(LogFollower(training_, request->job()));
    const absl::StatusOr<int64_t> token = training_->AddObserver(request->job(), WatchObserver(watch));
    if (token.ok()) {
      watch->set_on_done([this, observer = *token] { training_->RemoveObserver(observer); });
    } else {
      watch->End(token.status());
    }
    return watch->reactor();
  }

  grpc::ServerUnaryReactor* CancelTrainingJob(grpc::CallbackServerContext* context, const v1::CancelTrainingJobRequest* request,
                                              v1::CancelTrainingJobResponse* response) override {
    return RunOnControlThread(context, "CancelTrainingJob", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckTrainingJobId("job", request->job()));
      return FillJob(training_->Cancel(request->job()), response);
    });
  }

  grpc::ServerUnaryReactor* ResumeTrainingJob(grpc::CallbackServerContext* context, const v1::ResumeTrainingJobRequest* request,
                                              v1::ResumeTrainingJobResponse* response) override {
    return RunOnControlThread(context, "ResumeTrainingJob", *request, [this, request, response]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckTrainingJobId("job", request->job()));
      return FillJob(training_->Resume(request->job()), response);
    });
  }

  grpc::ServerUnaryReactor* DeleteTrainingJob(grpc::CallbackServerContext* context, const v1::DeleteTrainingJobRequest* request,
                                              v1::DeleteTrainingJobResponse* /*response*/) override {
    return RunOnControlThread(context, "DeleteTrainingJob", *request, [this, request]() -> absl::Status {
      SEMBLANCE_RETURN_IF_ERROR(CheckTrainingJobId("job", request->job()));
      return training_->Delete(request->job());
    });
  }

 private:
  grpc::ServerUnaryReactor* RunOnControlThread(grpc::CallbackServerContext* context, absl::string_view method,
                                               const google::protobuf::Message& request, std::function<absl::Status()> work) {
    return calls_->Run(context, {v1::TrainingService::service_full_name(), method}, request,
                       [&](UnaryCall* call) { control_.Run(call, std::move(work)); });
  }

  TrainingController* const training_;
  CallTracker* const calls_;
  const absl::Duration min_progress_interval_;
  BlockingCalls control_{"training", kControlThreads, kMaxQueued};
};

}  // namespace

std::unique_ptr<grpc::Service> NewTrainingService(TrainingController* training, CallTracker* calls,
                                                  absl::Duration min_progress_interval) {
  return std::make_unique<TrainingServiceAdaptor>(training, calls, min_progress_interval);
}

}  // namespace semblance::service
