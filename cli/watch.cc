#include "cli/watch.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/format.h"
#include "cli/generation_text.h"
#include "common/process.h"
#include "common/progress.h"
#include "semblance/v1/generation_service.grpc.pb.h"

namespace semblance {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100);
constexpr absl::Duration kLongestBackoff = absl::Seconds(2);

// What is shown to people: lines for states, and a bar for the progress of one.
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
    // A builder that was killed goes on a little before the point that it had reported.
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
  // What the bar shows.
  std::string unit_;
  int64_t done_ = 0;
};

class Watch {
 public:
  Watch(Session* session, const WatchOptions& options)
      : session_(*session),
        options_(options),
        stub_(v1::GenerationService::NewStub(session->channel())),
        server_known_(options.server_known),
        display_(&session->out()) {}

  int Run() {
    absl::Time give_up = absl::Now() + session_.timeout();
    absl::Duration backoff = kFirstBackoff;
    while (true) {
      heard_ = false;
      const RpcError error = DescribeRpcError(Stream(give_up));
      if (const auto exit_code = ExitCodeAfter(error)) {
        return *exit_code;
      }
      if (heard_) {
        give_up = absl::Now() + session_.timeout();
        backoff = kFirstBackoff;
        outage_.reset();
        if (error.code == grpc::StatusCode::DEADLINE_EXCEEDED) {
          continue;  // A stream lasts no longer than its deadline: this one was only quiet.
        }
      }
      NoteOutage(error);
      const absl::Duration pause = std::max(backoff, error.retry_delay.value_or(absl::ZeroDuration()));
      if (absl::Now() + pause >= give_up) {
        return session_.Fail(*outage_);
      }
      absl::SleepFor(pause);
      backoff = std::min(2 * backoff, kLongestBackoff);
    }
  }

 private:
  // One call, from the generation as it is to the end of the stream.
  grpc::Status Stream(absl::Time deadline) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    context.set_wait_for_ready(server_known_);
    v1::WatchGenerationRequest request;
    request.set_generation(options_.generation);
    request.set_follow(options_.follow);
    const auto reader = stub_->WatchGeneration(&context, request);
    v1::WatchGenerationResponse response;
    while (reader->Read(&response)) {
      heard_ = true;
      server_known_ = true;
      Take(response);
    }
    return reader->Finish();
  }

  void Take(const v1::WatchGenerationResponse& response) {
    // The first answer after a reconnection is often the last one before it.
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

  // nullopt: the stream is to be opened again.
  std::optional<int> ExitCodeAfter(const RpcError& error) const {
    if (error.code == grpc::StatusCode::NOT_FOUND && last_.has_value()) {
      return OutcomeCode();
    }
    if (error.code == grpc::StatusCode::OK) {
      return IsOver() ? std::optional(OutcomeCode()) : std::nullopt;
    }
    const bool may_pass = error.code == grpc::StatusCode::UNAVAILABLE || error.code == grpc::StatusCode::DEADLINE_EXCEEDED;
    return may_pass && server_known_ ? std::nullopt : std::optional(session_.Fail(error));
  }

  // Whether the server had reason to end the stream. (A server that is being stopped may end it in any state.)
  bool IsOver() const {
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

  int OutcomeCode() const {
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

  void NoteOutage(const RpcError& error) {
    if (!outage_.has_value()) {
      outage_ = error;
      if (outage_->code == grpc::StatusCode::OK) {
        outage_ = DescribeRpcError({grpc::StatusCode::UNAVAILABLE, "the server ended the stream"});
      }
      session_.err() << "semblance: the connection is lost (" << outage_->message << "); trying again" << std::endl;
    }
  }

  Session& session_;
  const WatchOptions options_;
  const std::unique_ptr<v1::GenerationService::Stub> stub_;
  // An answer came, ever and in the present call.
  bool server_known_;
  bool heard_ = false;
  std::optional<v1::WatchGenerationResponse> last_;
  // The last state but RETIRING.
  v1::GenerationState outcome_ = v1::GENERATION_STATE_UNSPECIFIED;
  // How the connection was lost, until an answer comes.
  std::optional<RpcError> outage_;
  Display display_;
};

}  // namespace

int WatchGeneration(Session& session, const WatchOptions& options) {
  return Watch(&session, options).Run();
}

}  // namespace semblance
