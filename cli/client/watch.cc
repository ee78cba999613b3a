#include "cli/client/watch.h"

#include <google/protobuf/util/message_differencer.h>

#include <memory>
#include <optional>

#include "cli/client/follow_stream.h"
#include "cli/text/format.h"
#include "cli/text/generation_text.h"
#include "common/program/process.h"
#include "common/progress.h"
#include "semblance/v1/generation_service.grpc.pb.h"

namespace semblance::cli {
namespace {

// Shows a generation to people: a line for each state, and a bar for the progress within one.
class Display {
 public:
  explicit Display(std::ostream* out) : out_(*out) {}

  void Show(const v1::Generation& generation) {
    if (!shown_.has_value() || shown_->state() != generation.state() || shown_->state_reason() != generation.state_reason()) {
      EndBar(generation.state());
      out_ << FormatTimestamp(generation.state_time()) << " " << generation.id() << " " << StateName(generation.state())
           << (generation.state_reason().empty() ? "" : ": ") << generation.state_reason() << std::endl;
    }
    if (generation.has_progress()) {
      UpdateBar(StateName(generation.state()), generation.progress());
    }
    shown_ = generation;
  }

 private:
  void EndBar(v1::GenerationState next) {
    const bool broken_off = next == v1::GENERATION_STATE_FAILED || next == v1::GENERATION_STATE_CANCELLED;
    if (bar_ != nullptr && !broken_off) {
      bar_->Finish("done");
    }
    bar_.reset();
  }

  void UpdateBar(const std::string& state, const v1::GenerationProgress& progress) {
    // A builder that was killed resumes a little before the point that it had reported.
    if (bar_ == nullptr || unit_ != progress.unit() || progress.done() < done_) {
      bar_.reset();
      bar_ = std::make_unique<ProgressReporter>(state, progress.total(), progress.unit(), progress.done());
    }
    unit_ = progress.unit();
    done_ = progress.done();
    bar_->SetTotal(progress.total());
    bar_->Update(progress.done(), "");
  }

  std::ostream& out_;
  std::optional<v1::Generation> shown_;
  std::unique_ptr<ProgressReporter> bar_;
  // The values that the bar shows.
  std::string unit_;
  int64_t done_ = 0;
};

class GenerationStream final : public FollowedStream {
 public:
  GenerationStream(Session* session, const WatchOptions& options)
      : session_(*session),
        options_(options),
        stub_(v1::GenerationService::NewStub(session->channel())),
        display_(&session->out()) {}

  grpc::Status Read(grpc::ClientContext* context, absl::FunctionRef<void()> heard) override {
    v1::WatchGenerationRequest request;
    request.set_generation(options_.generation);
    request.set_follow(options_.follow);
    const auto reader = stub_->WatchGeneration(context, request);
    v1::WatchGenerationResponse response;
    while (reader->Read(&response)) {
      heard();
      Take(response);
    }
    return reader->Finish();
  }

  bool IsOver() const override {
    if (!last_.has_value()) {
      return false;
    }
    switch (last_->generation().state()) {
      case v1::GENERATION_STATE_READY:
      case v1::GENERATION_STATE_ACTIVE:
      case v1::GENERATION_STATE_STANDBY:
      case v1::GENERATION_STATE_FAILED:
      case v1::GENERATION_STATE_CANCELLED:
        return !options_.follow;
      case v1::GENERATION_STATE_RETIRING:
        return true;
      default:
        return false;
    }
  }

  int OutcomeCode() const override {
    switch (outcome_) {
      case v1::GENERATION_STATE_READY:
      case v1::GENERATION_STATE_ACTIVE:
      case v1::GENERATION_STATE_STANDBY:
        return kExitDone;
      case v1::GENERATION_STATE_FAILED:
        return kExitBadInput;
      default:
        return kExitFailed;
    }
  }

 private:
  void Take(const v1::WatchGenerationResponse& response) {
    // The first answer after a reconnection often repeats the last one before it.
    if (last_.has_value() && google::protobuf::util::MessageDifferencer::Equals(*last_, response)) {
      return;
    }
    last_ = response;
    if (response.generation().state() != v1::GENERATION_STATE_RETIRING) {
      outcome_ = response.generation().state();
    }
    if (session_.json()) {
      session_.PrintJsonLine(response);
    } else {
      display_.Show(response.generation());
    }
  }

  Session& session_;
  const WatchOptions options_;
  const std::unique_ptr<v1::GenerationService::Stub> stub_;
  std::optional<v1::WatchGenerationResponse> last_;
  // The last state, except that RETIRING does not count.
  v1::GenerationState outcome_ = v1::GENERATION_STATE_UNSPECIFIED;
  Display display_;
};

}  // namespace

int WatchGeneration(Session& session, const WatchOptions& options) {
  GenerationStream stream(&session, options);
  return FollowStream(session, {.server_known = options.server_known, .stop = {}}, stream);
}

}  // namespace semblance::cli
