// Runs the ranks of a data-parallel group as threads of the test, connected by gloo as processes are.
#ifndef SEMBLANCE_TESTS_TRAINER_RANKS_RANK_GROUP_H_
#define SEMBLANCE_TESTS_TRAINER_RANKS_RANK_GROUP_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "trainer/ranks/ranks.h"

namespace semblance::testing {

// Returns a port that nothing listened on a moment ago.
inline int FreePort() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::inet_addr("127.0.0.1");
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(descriptor);
  return ntohs(address.sin_port);
}

// Calls `body` for each rank in a thread of its own, and waits for all of them.
inline void RunAsRanks(int count, const std::function<void(const trainer::Ranks& ranks)>& body) {
  const int port = FreePort();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank) {
    threads.emplace_back([&body, count, port, rank] {
      trainer::RankEnvironment environment;
      environment.rank = rank;
      environment.world_size = count;
      environment.master_port = port;
      ASSERT_OK_AND_ASSIGN(const std::unique_ptr<trainer::Ranks> ranks, trainer::Ranks::Join(environment, torch::kCPU));
      EXPECT_OK(ranks->CatchErrors([&] {
        body(*ranks);
        return absl::OkStatus();
      }));
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_RANKS_RANK_GROUP_H_
