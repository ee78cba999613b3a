// Clients that search and write while a test acts on the server, and a record of their writes.
//
// Each writer has ids of its own. It writes batches, writes some of them again, and deletes some. Searchers compare every answer
// with the oracle. All clients pause briefly between calls, so that the builder, which has the lowest priority, gets processor time
// too.
#ifndef SEMBLANCE_TESTS_INTEGRATION_LIVE_TRAFFIC_H_
#define SEMBLANCE_TESTS_INTEGRATION_LIVE_TRAFFIC_H_

#include <grpcpp/channel.h>

#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "tests/integration/picture_oracle.h"
#include "tests/integration/rich_error.h"

namespace semblance::testing {

// Knows which items exist, according to the answers to writes. Thread-safe.
class Ledger {
 public:
  // A write of the item is in progress. Until it is answered, the item may exist or not.
  void Begin(const std::string& id);
  void Acknowledge(const std::string& id, bool present);

  // Returns every item whose last write was answered, and whether it exists.
  std::map<std::string, bool> Known() const;

  uint64_t last_sequence() const;
  void RaiseSequence(uint64_t sequence);

 private:
  mutable Mutex mutex_;
  std::map<std::string, bool> present_ SEMBLANCE_GUARDED_BY(mutex_);
  uint64_t last_sequence_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
};

// Stores every picture once as "base/PICTURE". `labels` may name a label for some pictures. These items are never deleted.
void WriteBaseItems(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, Ledger& ledger,
                    const std::map<int, std::string>& labels = {});

// Writes `count` items named PREFIX/NUMBER/PICTURE. Returns a description of what went wrong, or an empty text.
RichError WriteItems(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, const std::string& prefix,
                     int count, Ledger& ledger);

// Searches for every known item by its id in the generation. Written items must be found with the scores of its space, and deleted
// items must not be found. Waits until the generation has applied the last acknowledged write. Reports test failures.
void ExpectLedgerHolds(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, const Ledger& ledger,
                       const std::string& generation);

class LiveTraffic {
 public:
  // Returns true if an error of a call is a fault.
  enum class Errors { kAreFaults, kEndTheClient };

  struct Options {
    int searchers = 2;
    int writers = 2;
    Errors errors = Errors::kAreFaults;
    // The prefix of the writers' ids.
    std::string prefix = "live";
  };

  // Starts the clients. The oracle and the ledger must outlive it.
  LiveTraffic(std::shared_ptr<grpc::Channel> channel, const PictureOracle* oracle, Ledger* ledger, const Options& options);
  // Stops them.
  ~LiveTraffic();

  // Returns when all clients have ended.
  void Stop();

  // Returns the wrong answers so far, and those errors that are faults. There is at most one text for each client.
  std::vector<std::string> faults() const;
  // Returns the generations that have answered searches.
  std::set<std::string> generations() const;
  int64_t searches() const;
  int64_t writes() const;

  // Returns when this many more calls of each kind were answered, or no client is left.
  void AwaitMore(int64_t count);

 private:
  void AddClient(void (LiveTraffic::*run)(int client, const std::stop_token& stop), int client);
  void Search(int client, const std::stop_token& stop);
  void Write(int client, const std::stop_token& stop);
  // Adds one to the counter of answers.
  void Count(int64_t LiveTraffic::*counter);
  // Returns false when the client must end.
  bool Survives(const RichError& error, const std::string& what);
  void AddFault(const std::string& fault);

  const std::shared_ptr<grpc::Channel> channel_;
  const PictureOracle* const oracle_;
  Ledger* const ledger_;
  const Options options_;
  mutable Mutex mutex_;
  Condition changed_;
  int running_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  int64_t searches_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  int64_t writes_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> faults_ SEMBLANCE_GUARDED_BY(mutex_);
  std::set<std::string> generations_ SEMBLANCE_GUARDED_BY(mutex_);
  std::vector<Worker> clients_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_LIVE_TRAFFIC_H_
