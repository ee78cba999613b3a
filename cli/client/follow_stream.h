// Keeps a stream from the server open, and opens it again after outages, until the task that it reports on has ended.
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

// A stream that can be opened again from the present state of its task.
class FollowedStream {
 public:
  virtual ~FollowedStream() = default;

  // Makes one call and reads its stream to the end. REQUIRES: an implementation calls `heard` for each answer.
  virtual grpc::Status Read(grpc::ClientContext* context, absl::FunctionRef<void()> heard) = 0;

  // Returns true when the last answer was a reason to end the stream. (A server that is being stopped may end it at any time.)
  virtual bool IsOver() const = 0;

  // Returns the exit code for the answers so far. It is called when the task is over or was deleted.
  virtual int OutcomeCode() const = 0;
};

struct FollowOptions {
  // True when the server has answered before. Its absence is then an outage, also in the first call.
  bool server_known = false;
  // Ends the following when a stop is requested.
  std::stop_token stop;
};

// Follows the stream until its task is over. A connection that breaks is made again, after pauses that grow. It gives up when the
// server was silent for --timeout_seconds. Returns the exit code of the stream's outcome, or kExitTerminated after a stop. Any
// other error is printed, and its exit code is returned.
int FollowStream(Session& session, const FollowOptions& options, FollowedStream& stream);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_FOLLOW_STREAM_H_
