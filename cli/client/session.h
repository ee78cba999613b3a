// The part that all commands share: the flags --server, --json and --timeout_seconds, the parsing with help, the channel to the
// server, and the printing of results and errors.
//
// Not thread-safe, except for NewContext.
#ifndef SEMBLANCE_CLI_CLIENT_SESSION_H_
#define SEMBLANCE_CLI_CLIENT_SESSION_H_

#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/client/rpc_error.h"
#include "cli/client/streams.h"
#include "common/program/command_line.h"

namespace semblance::cli {

class Session {
 public:
  // Adds the common flags to `command`, which must outlive the session.
  Session(CommandLine* command, const Streams& streams);

  // Parses the arguments. Returns an exit code when the command has to end here: help was asked for, or the flags are wrong.
  std::optional<int> Parse(const Arguments& args);

  // Does the same for a command that takes from `least` to `most` arguments besides its flags.
  std::optional<int> Parse(const Arguments& args, size_t least, size_t most);

  // True for "--server" and "--timeout_seconds", whose value is the next argument.
  static bool IsFlagBeforeItsValue(absl::string_view arg);

  // The arguments that are not flags. REQUIRES: Parse was called.
  const Arguments& arguments() const { return arguments_; }
  bool json() const { return json_; }
  absl::Duration timeout() const { return absl::Seconds(timeout_seconds_); }
  std::ostream& out() const { return streams_.out; }
  std::ostream& err() const { return streams_.err; }

  // Returns the channel, which the first call makes. It accepts messages of 64 MiB, and finds a restarted server within seconds.
  std::shared_ptr<grpc::Channel> channel();

  // Returns a context with the deadline of --timeout_seconds. Thread-safe.
  std::unique_ptr<grpc::ClientContext> NewContext() const;

  // Prints a message as one JSON document.
  void PrintJson(const google::protobuf::Message& message) const;
  // Prints a message as JSON on one line, for answers that come one after another.
  void PrintJsonLine(const google::protobuf::Message& message) const;

  // Prints the answer of a call as JSON, or by `print` for people, or else its error. Returns the exit code.
  int Finish(const grpc::Status& status, const google::protobuf::Message& response,
             absl::FunctionRef<void(std::ostream&)> print) const;

  // Prints what was wrong and what to do. Returns the exit code.
  int Usage(const std::string& what) const;
  int Fail(const grpc::Status& status) const;
  int Fail(const RpcError& error) const;
  int Fail(const absl::Status& status) const;

 private:
  CommandLine* const command_;
  const Streams streams_;
  std::string server_ = "127.0.0.1:50051";
  int timeout_seconds_ = 60;
  bool json_ = false;
  Arguments arguments_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_SESSION_H_
