// Clients that search and write while something happens to the server, and what they know of their writes.
//
// Writers own their ids: they write batches, write some of them again, and delete some. Searchers compare every answer with the
// oracle. All of them pause briefly between calls: what has the lowest priority, the builder, is to get its turn too.
#ifndef SEMBLANCE_TESTS_INTEGRATION_LIVE_TRAFFIC_H_
#define SEMBLANCE_TESTS_INTEGRATION_LIVE_TRAFFIC_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/picture_oracle.h"
#include "tests/integration/rich_error.h"

namespace semblance::testing {

// Knows which items exist, as far as the answers to writes say. Thread-safe.
class Ledger {
 public:
  // A write of the item is under way: until it is answered nobody can say whether the item is there.
  void Begin(const std::string& id);
  void Acknowledge(const std::string& id, bool present);

  // Every item whose last write was answered, and whether it is there.
  std::map<std::string, bool> Known() const;

  uint64_t last_sequence() const;
  void RaiseSequence(uint64_t sequence);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, bool> present_;
  uint64_t last_sequence_ = 0;
};

// Stores every picture once as "base/PICTURE". `labels` may name a label for some pictures. Items are never deleted again.
void WriteBaseItems(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, Ledger& ledger,
                    const std::map<int, std::string>& labels = {});

// Writes `count` items named PREFIX/NUMBER/PICTURE. What went wrong, empty: nothing.
RichError WriteItems(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, const std::string& prefix,
                     int count, Ledger& ledger);

// Searches for every known item by its id in the generation: what was written is found, with the scores of its space, and what was
// deleted is not. Waits until the generation has applied the last acknowledged write. Test failures.
void ExpectLedgerHolds(const std::shared_ptr<grpc::Channel>& channel, const PictureOracle& oracle, const Ledger& ledger,
                       const std::string& generation);

class LiveTraffic {
 public:
  // Says whether an error of a call is a fault.
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

  // So far: answers that do not fit, and, where they are faults, errors. At most one text for each client.
  std::vector<std::string> faults() const;
  // Generations that searches were answered by.
  std::set<std::string> generations() const;
  int64_t searches() const { return searches_; }
  int64_t writes() const { return writes_; }

  // Returns when each kind has been answered so many times more, or no client is left.
  void AwaitMore(int64_t count) const;

 private:
  void Search(int client);
  void Write(int client);
  // False: the client is to end.
  bool Survives(const RichError& error, const std::string& what);
  void AddFault(const std::string& fault);

  const std::shared_ptr<grpc::Channel> channel_;
  const PictureOracle* const oracle_;
  Ledger* const ledger_;
  const Options options_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> running_ = 0;
  std::atomic<int64_t> searches_ = 0;
  std::atomic<int64_t> writes_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> faults_;
  std::set<std::string> generations_;
  std::vector<std::thread> clients_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_LIVE_TRAFFIC_H_
