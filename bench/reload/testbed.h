// A server of this build over a directory of its own. The model root has two models of incompatible embedding spaces.
//
// Not thread-safe, except for channel(). The destructor kills the server.
#ifndef SEMBLANCE_BENCH_RELOAD_TESTBED_H_
#define SEMBLANCE_BENCH_RELOAD_TESTBED_H_

#include <grpcpp/channel.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/reload/oracle.h"
#include "tests/testing/process.h"

namespace semblance::bench {

// The resources of the server's process.
struct ProcessSize {
  int64_t memory_kib = 0;
  int threads = 0;
  int descriptors = 0;
};

class Testbed {
 public:
  // Empties `directory` and writes two untrained models, reload/1 and reload/2, into it. Then starts the server with the first
  // model.
  static absl::StatusOr<std::unique_ptr<Testbed>> Start(const std::string& directory);

  std::string BundleDir(int version) const;

  // Stores every item of the oracle.
  absl::Status Ingest(const Oracle& oracle);

  // Where the server listens, as host:port.
  const std::string& address() const { return address_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  ProcessSize Size() const;

 private:
  explicit Testbed(std::string directory) : directory_(std::move(directory)) {}

  absl::Status WriteModels();
  absl::Status StartServer();

  const std::string directory_;
  std::unique_ptr<testing::Process> server_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_RELOAD_TESTBED_H_
