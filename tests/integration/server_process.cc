#include "tests/integration/server_process.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace semblance::testing {
namespace {

// grpc.health.v1.HealthCheckRequest{service} and HealthCheckResponse{status} by hand: one field of each.
std::string HealthRequest(const std::string& service) {
  return service.empty() ? "" : absl::StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service);
}

int HealthStatus(const std::string& response) {
  return response.size() == 2 && response[0] == 0x08 ? response[1] : 0;
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (buffer.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) {
      text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return text;
}

}  // namespace

ServerProcess::ServerProcess(const std::string& data_dir, const std::string& model, const std::vector<std::string>& flags) {
  std::vector<std::string> argv = {SEMBLANCE_BIN_DIR "/semblance-server", "--data_dir=" + data_dir, "--listen=127.0.0.1:0",
                                   "--http=127.0.0.1:0"};
  if (!model.empty()) {
    argv.push_back("--model=" + model);
  }
  argv.insert(argv.end(), flags.begin(), flags.end());
  process_ = std::make_unique<Process>(argv);
  std::string line = process_->ReadLine();
  absl::string_view rest = line;
  if (!absl::ConsumePrefix(&rest, "listening on ")) {
    ADD_FAILURE() << "the server did not start: " << line;
    return;
  }
  address_ = std::string(rest);
  line = process_->ReadLine();
  rest = line;
  absl::ConsumePrefix(&rest, "metrics on http://");
  http_address_ = std::string(absl::StripSuffix(rest, "/metrics"));
  channel_ = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
}

bool ServerProcess::WaitUntilServing() {
  while (HealthOf(channel_.get(), "") != 1) {
    siginfo_t ended{};
    if (::waitid(P_PID, static_cast<id_t>(process_->pid()), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid != 0) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

int HealthOf(grpc::Channel* channel, const std::string& service) {
  grpc::GenericStub stub(std::shared_ptr<grpc::Channel>(std::shared_ptr<void>(), channel));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  const std::string bytes = HealthRequest(service);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get().ok() ? HealthStatus(ToString(response)) : 0;
}

}  // namespace semblance::testing
