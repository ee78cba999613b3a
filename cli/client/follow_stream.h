// Keeps a stream of the server's open, over outages, until what it tells of is over.
//
// Not thread-safe.
#ifndef SEMBLANCE_CLI_CLIENT_FOLLOW_STREAM_H_
#define SEMBLANCE_CLI_CLIENT_FOLLOW_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <stop_token>

#include "absl/functional/function_ref.h"
#include "cli/client/session.h"

namespace semblance::cli {

// What is followed.
class FollowedStream {
 public:
  virtual ~FollowedStream() = default;

  // One call, from the state as it is to the end of the stream. `heard` is to be called with each answer.
  virtual grpc::Status Read(grpc::ClientContext* context, absl::FunctionRef<void()> heard) = 0;

  // Whether the server had reason to end the stream after the last answer. (A server that is being stopped may end it at any time.)
  virtual bool IsOver() const = 0;

  // The exit code, by the answers so far. Asked for when it is over, or does not exist any more.
  virtual int OutcomeCode() const = 0;
};

struct FollowOptions {
  // Whether the server has answered before, so that its absence is an outage from the first call on.
  bool server_known = false;
  // Ends the following.
  std::stop_token stop;
};

// A connection that breaks is made again, with a growing pause. Gives up when the server was silent for --timeout_seconds. Returns
// the exit code: of the stream's outcome, kExitTerminated after a stop, else that of the error, which it prints.
int FollowStream(Session& session, const FollowOptions& options, FollowedStream& stream);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_FOLLOW_STREAM_H_
