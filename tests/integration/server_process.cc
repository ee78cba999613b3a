#include "tests/integration/server_process.h"

#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/testing/grpc_health.h"

namespace semblance::testing {

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

bool ServerProcess::WaitUntilServing() const {
  return channel_ != nullptr && AwaitServing(channel_.get());
}

}  // namespace semblance::testing
