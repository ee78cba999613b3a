#include "cli/client/watch_job.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/client/follow_stream.h"
#include "cli/text/format.h"
#include "cli/text/job_text.h"
#include "common/program/process.h"
#include "common/program/stop_signals.h"
#include "common/progress.h"
#include "semblance/v1/training_service.grpc.pb.h"

namespace semblance::cli {
namespace {

using Lines = google::protobuf::RepeatedPtrField<std::string>;
using Show = WatchJobOptions::Show;

// A server begins with as many lines of a log.
constexpr size_t kTailLines = 20;
constexpr char kTraining[] = "training";

bool HasEnded(v1::TrainingJobState state) {
  return state == v1::TRAINING_JOB_STATE_SUCCEEDED || state == v1::TRAINING_JOB_STATE_FAILED ||
         state == v1::TRAINING_JOB_STATE_CANCELLED;
}

// Shows a job to people: a line for each state, a bar for the training, and the log.
class Display {
 public:
  Display(Session* session, Show show) : session_(*session), show_(show) {}

  void Take(const v1::TrainingJob& job, const Lines& log_lines) {
    if (show_ == Show::kLog) {
      for (const std::string& line : log_lines) {
        session_.out() << line << std::endl;
      }
      return;
    }
    if (show_ == Show::kProgressAndLog) {
      for (const std::string& line : log_lines) {
        Note(line);
      }
    }
    if (!shown_.has_value() || shown_->state() != job.state() || shown_->state_reason() != job.state_reason()) {
      EndBar(job.state());
      session_.out() << FormatTimestamp(job.state_time()) << " " << job.id() << " " << StateName(job.state())
                     << (job.state_reason().empty() ? "" : ": ") << job.state_reason() << std::endl;
    }
    if (job.state() == v1::TRAINING_JOB_STATE_RUNNING && job.progress().total_steps() > 0) {
      UpdateBar(job.progress());
    }
    shown_ = job;
  }

 private:
  void Note(const std::string& line) {
    if (bar_ != nullptr) {
      bar_->Note(line);
    } else {
      session_.err() << line << std::endl;
    }
  }

  void EndBar(v1::TrainingJobState next) {
    if (bar_ != nullptr && (next == v1::TRAINING_JOB_STATE_PUBLISHING || next == v1::TRAINING_JOB_STATE_SUCCEEDED)) {
      bar_->Finish("done");
    }
    bar_.reset();
  }

  void UpdateBar(const v1::TrainingProgress& progress) {
    // A trainer that was killed resumes from its last checkpoint, which lies before the step that it had reported.
    if (bar_ == nullptr || progress.step() < step_) {
      bar_.reset();
      bar_ = std::make_unique<ProgressReporter>(kTraining, progress.total_steps(), "steps", progress.step());
    }
    step_ = progress.step();
    bar_->SetTotal(progress.total_steps());
    const bool is_training = progress.activity().empty() || progress.activity() == kTraining;
    bar_->Update(step_, absl::StrCat(Measurements(progress), is_training ? "" : ", ", is_training ? "" : progress.activity()));
  }

  Session& session_;
  const Show show_;
  std::optional<v1::TrainingJob> shown_;
  std::unique_ptr<ProgressReporter> bar_;
  // The step that the bar shows.
  int64_t step_ = 0;
};

class JobStream final : public FollowedStream {
 public:
  JobStream(Session* session, const WatchJobOptions& options)
      : session_(*session),
        options_(options),
        stub_(v1::TrainingService::NewStub(session->channel())),
        display_(session, options.show) {}

  grpc::Status Read(grpc::ClientContext* context, absl::FunctionRef<void()> heard) override {
    v1::WatchTrainingJobRequest request;
    request.set_job(options_.job);
    const auto reader = stub_->WatchTrainingJob(context, request);
    v1::WatchTrainingJobResponse response;
    for (bool first = true; reader->Read(&response); first = false) {
      heard();
      if (first) {
        DropLinesSeen(response.mutable_log_lines());
      }
      Take(response);
    }
    return reader->Finish();
  }

  bool IsOver() const override { return last_.has_value() && HasEnded(last_->state()); }

  int OutcomeCode() const override { return last_->state() == v1::TRAINING_JOB_STATE_SUCCEEDED ? kExitDone : kExitFailed; }

 private:
  void Take(const v1::WatchTrainingJobResponse& response) {
    // The first answer after a reconnection often repeats the last one before it.
    const bool is_news = !last_.has_value() || !google::protobuf::util::MessageDifferencer::Equals(*last_, response.job());
    if (!is_news && response.log_lines().empty()) {
      return;
    }
    last_ = response.job();
    tail_.insert(tail_.end(), response.log_lines().begin(), response.log_lines().end());
    if (tail_.size() > kTailLines) {
      tail_.erase(tail_.begin(), tail_.end() - kTailLines);
    }
    if (session_.json()) {
      session_.PrintJsonLine(response);
    } else {
      display_.Take(response.job(), response.log_lines());
    }
  }

  // Every call begins with the end of the log, so its first lines may repeat the last lines of the call before.
  void DropLinesSeen(Lines* lines) const {
    for (int count = std::min(static_cast<int>(tail_.size()), lines->size()); count > 0; --count) {
      if (std::equal(tail_.end() - count, tail_.end(), lines->begin())) {
        lines->DeleteSubrange(0, count);
        return;
      }
    }
  }

  Session& session_;
  const WatchJobOptions options_;
  const std::unique_ptr<v1::TrainingService::Stub> stub_;
  std::optional<v1::TrainingJob> last_;
  // The last lines of the log.
  std::vector<std::string> tail_;
  Display display_;
};

}  // namespace

int WatchTrainingJob(Session& session, const WatchJobOptions& options) {
  int exit_code = kExitDone;
  {
    const StopSignals signals({SIGINT, SIGTERM}, StopSignals::Repeated::kEndsProcess);
    JobStream stream(&session, options);
    exit_code = FollowStream(session, {.server_known = options.server_known, .stop = signals.token()}, stream);
  }
  if (exit_code == kExitTerminated) {
    session.err() << "semblance: " << options.job << " continues; watch it with semblance jobs watch " << options.job
                  << ", stop it with semblance jobs cancel " << options.job << std::endl;
  }
  return exit_code;
}

}  // namespace semblance::cli
