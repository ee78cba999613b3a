#include "cli/client/follow_stream.h"

#include <algorithm>
#include <optional>
#include <stop_token>

#include "absl/time/clock.h"
#include "common/program/process.h"
#include "common/threads/stop.h"

namespace semblance::cli {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100);
constexpr absl::Duration kLongestBackoff = absl::Seconds(2);

class Follower {
 public:
  Follower(Session* session, const FollowOptions& options, FollowedStream* stream)
      : session_(*session), stream_(*stream), stop_(options.stop), server_known_(options.server_known) {}

  int Run() {
    absl::Time give_up = absl::Now() + session_.timeout();
    absl::Duration backoff = kFirstBackoff;
    while (true) {
      const RpcError error = DescribeRpcError(ReadOnce(give_up));
      if (const auto exit_code = ExitCodeAfter(error)) {
        return *exit_code;
      }
      if (heard_) {
        give_up = absl::Now() + session_.timeout();
        backoff = kFirstBackoff;
        outage_.reset();
        if (error.code == grpc::StatusCode::DEADLINE_EXCEEDED) {
          continue;  // The stream reached its deadline while it was quiet. That is not an outage.
        }
      }
      NoteOutage(error);
      const absl::Duration pause = std::max(backoff, error.retry_delay.value_or(absl::ZeroDuration()));
      if (absl::Now() + pause >= give_up) {
        return session_.Fail(*outage_);
      }
      if (WaitForStop(stop_, pause)) {
        return kExitTerminated;
      }
      backoff = std::min(2 * backoff, kLongestBackoff);
    }
  }

 private:
  grpc::Status ReadOnce(absl::Time deadline) {
    heard_ = false;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    context.set_wait_for_ready(server_known_);
    const std::stop_callback cancel(stop_, [&context] { context.TryCancel(); });
    return stream_.Read(&context, [this] {
      heard_ = true;
      ever_heard_ = true;
      server_known_ = true;
    });
  }

  // Returns nothing when the stream has to be opened again.
  std::optional<int> ExitCodeAfter(const RpcError& error) const {
    const bool is_over = error.code == grpc::StatusCode::OK && stream_.IsOver();
    if (is_over || (error.code == grpc::StatusCode::NOT_FOUND && ever_heard_)) {
      return stream_.OutcomeCode();
    }
    if (stop_.stop_requested()) {
      return kExitTerminated;
    }
    if (error.code == grpc::StatusCode::OK) {
      return std::nullopt;
    }
    const bool may_pass = error.code == grpc::StatusCode::UNAVAILABLE || error.code == grpc::StatusCode::DEADLINE_EXCEEDED;
    return may_pass && server_known_ ? std::nullopt : std::optional(session_.Fail(error));
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
  FollowedStream& stream_;
  const std::stop_token stop_;
  // True once the server has answered any call.
  bool server_known_;
  // True once this stream has given an answer, in any call.
  bool ever_heard_ = false;
  // True once the present call has given an answer.
  bool heard_ = false;
  // Says how the connection was lost, until the next answer comes.
  std::optional<RpcError> outage_;
};

}  // namespace

int FollowStream(Session& session, const FollowOptions& options, FollowedStream& stream) {
  return Follower(&session, options, &stream).Run();
}

}  // namespace semblance::cli
