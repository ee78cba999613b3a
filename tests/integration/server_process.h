// A semblance-server of this build, as a process, with a channel to it.
//
// Not thread-safe. A failure to start is reported as a test failure, and address() is then empty.
#ifndef SEMBLANCE_TESTS_INTEGRATION_SERVER_PROCESS_H_
#define SEMBLANCE_TESTS_INTEGRATION_SERVER_PROCESS_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/testing/process.h"

namespace semblance::testing {

class ServerProcess {
 public:
  // Starts the server on free ports. `model` may be empty. `flags` are added to the command line.
  ServerProcess(const std::string& data_dir, const std::string& model, const std::vector<std::string>& flags = {});

  // Returns host:port.
  const std::string& address() const { return address_; }
  const std::string& http_address() const { return http_address_; }
  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

  // Waits until the health service says SERVING. Returns false when the process ends before that.
  bool WaitUntilServing() const;

  Process& process() { return *process_; }

 private:
  std::unique_ptr<Process> process_;
  std::string address_;
  std::string http_address_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_SERVER_PROCESS_H_
