#include "service/engine/requests_in_flight.h"

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace semblance::service {
namespace {

TEST(RequestsInFlightTest, WaitsForNobodyWhenThereIsNoRequest) {
  RequestsInFlight requests;
  requests.AwaitNone();
  { const RequestsInFlight::Token token(&requests); }
  requests.AwaitNone();
}

TEST(RequestsInFlightTest, WaitsForTheLastRequest) {
  RequestsInFlight requests;
  std::optional<RequestsInFlight::Token> first(&requests);
  std::optional<RequestsInFlight::Token> last(&requests);
  std::atomic<bool> ended = false;
  std::future<bool> waiter = std::async(std::launch::async, [&] {
    requests.AwaitNone();
    return ended.load();
  });
  first.reset();
  ended = true;
  last.reset();
  EXPECT_TRUE(waiter.get());
}

// As in the engine, the counter is destroyed as soon as the wait ends.
TEST(RequestsInFlightTest, MayBeDestroyedAsSoonAsItIsWaitedFor) {
  for (int round = 0; round < 200; ++round) {
    auto requests = std::make_unique<RequestsInFlight>();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([token = std::make_unique<RequestsInFlight::Token>(requests.get())]() mutable { token.reset(); });
    }
    requests->AwaitNone();
    requests.reset();
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
}

}  // namespace
}  // namespace semblance::service
