#include "cli/client/session.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/create_channel.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/client/rpc_error.h"
#include "common/program/process.h"

namespace semblance::cli {
namespace {

constexpr char kServer[] = "server";
constexpr char kTimeoutSeconds[] = "timeout_seconds";

std::string ToJson(const google::protobuf::Message& message, bool add_whitespace) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = add_whitespace;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "";
}

}  // namespace

Session::Session(CommandLine* command, const Streams& streams) : command_(command), streams_(streams) {
  command_->AddFlag(kServer, "HOST:PORT", "address of the server", &server_);
  command_->AddFlag(kTimeoutSeconds, "N", "how long to wait for an answer", &timeout_seconds_);
  command_->AddFlag("json", "print one JSON document instead of a table", &json_);
}

std::optional<int> Session::Parse(const Arguments& args) {
  auto arguments = command_->Parse(args);
  if (!command_->requested_text().empty()) {
    out() << command_->requested_text();
    return kExitDone;
  }
  if (!arguments.ok()) {
    return Usage(std::string(arguments.status().message()));
  }
  arguments_ = *std::move(arguments);
  return std::nullopt;
}

std::optional<int> Session::Parse(const Arguments& args, size_t least, size_t most) {
  if (const auto exit_code = Parse(args)) {
    return exit_code;
  }
  if (arguments_.size() < least || arguments_.size() > most) {
    const std::string takes = command_->arguments().empty() ? "no arguments" : command_->arguments();
    return Usage(absl::StrCat(command_->command(), " takes ", takes, "; see ", command_->command(), " --help"));
  }
  return std::nullopt;
}

bool Session::IsFlagBeforeItsValue(absl::string_view arg) {
  return absl::ConsumePrefix(&arg, "--") && (arg == kServer || arg == kTimeoutSeconds);
}

std::shared_ptr<grpc::Channel> Session::channel() {
  if (channel_ == nullptr) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(64 << 20);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
    channel_ = grpc::CreateCustomChannel(server_, grpc::InsecureChannelCredentials(), arguments);
  }
  return channel_;
}

std::unique_ptr<grpc::ClientContext> Session::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(timeout_seconds_));
  return context;
}

void Session::PrintJson(const google::protobuf::Message& message) const {
  out() << ToJson(message, /*add_whitespace=*/true);
}

void Session::PrintJsonLine(const google::protobuf::Message& message) const {
  // The line is flushed, so that a reader can follow along.
  out() << ToJson(message, /*add_whitespace=*/false) << std::endl;
}

int Session::Finish(const grpc::Status& status, const google::protobuf::Message& response,
                    absl::FunctionRef<void(std::ostream&)> print) const {
  if (!status.ok()) {
    return Fail(status);
  }
  if (json()) {
    PrintJson(response);
  } else {
    print(out());
  }
  return kExitDone;
}

int Session::Usage(const std::string& what) const {
  err() << "semblance: " << what << "\n";
  return kExitUsage;
}

int Session::Fail(const grpc::Status& status) const {
  return Fail(DescribeRpcError(status));
}

int Session::Fail(const RpcError& error) const {
  err() << "semblance: " << FormatRpcError(error, server_) << "\n";
  return ExitCodeOf(error);
}

int Session::Fail(const absl::Status& status) const {
  err() << "semblance: " << status.message() << "\n";
  return kExitBadInput;
}

}  // namespace semblance::cli
