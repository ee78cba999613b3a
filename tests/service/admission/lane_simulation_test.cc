// Simulates minutes of load on a lane, without threads and without a real clock: requests arrive at random, decode on the lane's
// threads, and pass one after the other through a network.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "service/admission/lane_queue.h"

namespace semblance::testing {
namespace {

using service::LaneQueue;
using service::LaneRequest;
using service::LaneWork;
using service::Refusal;

constexpr absl::Duration kDeadline = absl::Seconds(1);
constexpr int kThreads = 2;

struct Load {
  // The times that a request takes on average.
  absl::Duration decode = absl::Milliseconds(18);
  absl::Duration network = absl::Milliseconds(2);
  // How many times as many requests arrive as can be answered.
  double offered = 1;
  // After half of the time everything takes this many times as long.
  double slowdown = 1;
  // True when the queue knows the deadlines. Without them it is a queue of 1,024 requests in the order of arrival.
  bool with_deadlines = true;

  // Requests per second that can be answered.
  double Capacity() const { return std::min(kThreads / absl::ToDoubleSeconds(decode), 1 / absl::ToDoubleSeconds(network)); }
};

struct Outcome {
  int in_time = 0;
  int too_late = 0;
  int refused = 0;
};

class Simulation {
 public:
  explicit Simulation(const Load& load) : load_(load), queue_({.threads = kThreads}) {}

  // Returns what became of the requests that arrived in the last half of the time.
  Outcome Run(absl::Duration duration) {
    end_ = now_ + duration;
    half_ = now_ + duration / 2;
    At(now_, [this] { Arrive(); });
    while (!events_.empty()) {
      now_ = events_.begin()->first;
      const std::function<void()> event = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      event();
      if (queue_.size() > 0 && load_.with_deadlines) {
        for (const Refusal& refusal : queue_.TakeUnwanted(now_)) {  // The lane's timer does this.
          refusal.request.refuse(refusal.status);
        }
      }
      StartRequests();
    }
    return outcome_;
  }

 private:
  void At(absl::Time time, std::function<void()> event) { events_.emplace(time, std::move(event)); }

  void Arrive() {
    const double gap = std::exponential_distribution<double>(load_.Capacity() * load_.offered)(random_);
    if (const absl::Time next = now_ + absl::Seconds(gap) * Slowness(); next < end_) {
      At(next, [this] { Arrive(); });
    }
    // The times vary from a third to three times the mean, and the cost tells them only roughly.
    const double size = std::exp(std::uniform_real_distribution<double>(-1.1, 1.1)(random_)) / 1.21;
    const double surprise = std::uniform_real_distribution<double>(0.6, 1.4)(random_);
    const absl::Duration decode = load_.decode * size * surprise * Slowness();
    const bool counts = now_ >= half_;
    const absl::Time deadline = now_ + kDeadline;
    LaneRequest request;
    request.work = {.cost = size, .images = 1, .later = [this](int images) { return NetworkTime(images); }};
    request.arrival = now_;
    request.deadline = load_.with_deadlines ? deadline : absl::InfiniteFuture();
    request.run = [this, decode, counts, deadline, cost = size] {
      At(now_ + decode, [this, decode, counts, deadline, cost] { Decoded(cost, decode, counts, deadline); });
    };
    request.refuse = [this, counts](const absl::Status&) { outcome_.too_late += counts ? 1 : 0; };
    if (queue_.Admit(request, now_).ok()) {
      queue_.Add(std::move(request));
    } else {
      outcome_.refused += counts ? 1 : 0;
    }
  }

  void StartRequests() {
    std::vector<Refusal> refused;
    while (running_ < kThreads) {
      const auto request = queue_.Take(now_, refused);
      if (!request.has_value()) {
        break;
      }
      ++running_;
      request->run();
    }
    for (const Refusal& refusal : refused) {
      refusal.request.refuse(refusal.status);
    }
  }

  void Decoded(double cost, absl::Duration decode, bool counts, absl::Time deadline) {
    --running_;
    queue_.Finish({.cost = cost, .images = 1, .later = nullptr}, decode);
    network_free_ = std::max(network_free_, now_) + load_.network * Slowness();
    if (counts) {
      ++(network_free_ <= deadline ? outcome_.in_time : outcome_.too_late);
    }
  }

  absl::Duration NetworkTime(int images) const {
    return std::max(network_free_ - now_, absl::ZeroDuration()) + images * load_.network * Slowness();
  }

  double Slowness() const { return now_ >= half_ ? load_.slowdown : 1; }

  const Load load_;
  LaneQueue queue_;
  std::mt19937 random_{7};
  std::multimap<absl::Time, std::function<void()>> events_;
  absl::Time now_ = absl::UnixEpoch();
  absl::Time half_;
  absl::Time end_;
  absl::Time network_free_ = absl::InfinitePast();
  int running_ = 0;
  Outcome outcome_;
};

constexpr absl::Duration kSimulated = absl::Minutes(2);

// The share of the capacity that is answered in time.
double GoodputOf(const Load& load, const Outcome& outcome, absl::Duration simulated = kSimulated) {
  return outcome.in_time / (load.Capacity() / load.slowdown * absl::ToDoubleSeconds(simulated / 2));
}

// The parameters are how many times the capacity is offered, and the times of decoding and of the network in milliseconds.
class LaneSimulationTest : public ::testing::TestWithParam<std::tuple<double, std::pair<int, int>>> {
 protected:
  static Load LoadOf(const ParamType& param) {
    Load load;
    load.offered = std::get<0>(param);
    load.decode = absl::Milliseconds(std::get<1>(param).first);
    load.network = absl::Milliseconds(std::get<1>(param).second);
    return load;
  }
};

TEST_P(LaneSimulationTest, AnswersNineTenthsOfTheCapacityInTime) {
  const Load load = LoadOf(GetParam());
  const Outcome outcome = Simulation(load).Run(kSimulated);
  EXPECT_GE(GoodputOf(load, outcome), 0.9 * std::min(1.0, load.offered));
}

TEST_P(LaneSimulationTest, AnswersInTimeWhatItAdmits) {
  const Outcome outcome = Simulation(LoadOf(GetParam())).Run(kSimulated);
  EXPECT_LE(outcome.too_late, 0.01 * outcome.in_time);
}

TEST_P(LaneSimulationTest, RecoversWhenEverythingBecomesThreeTimesAsSlow) {
  Load load = LoadOf(GetParam());
  load.slowdown = 3;
  const Outcome outcome = Simulation(load).Run(kSimulated);
  EXPECT_GE(GoodputOf(load, outcome), 0.85 * std::min(1.0, load.offered));
}

// This shows that the simulation can fail: the queue that knew no deadlines collapsed.
TEST_P(LaneSimulationTest, AQueueWithoutDeadlinesCollapses) {
  Load load = LoadOf(GetParam());
  load.with_deadlines = false;
  constexpr absl::Duration kLongEnough = absl::Seconds(40);
  const Outcome outcome = Simulation(load).Run(kLongEnough);
  if (load.offered >= 1.5) {
    EXPECT_LE(GoodputOf(load, outcome, kLongEnough), 0.1);
  }
}

INSTANTIATE_TEST_SUITE_P(Loads, LaneSimulationTest,
                         ::testing::Combine(::testing::Values(0.5, 1.0, 1.5, 2.0, 4.0, 8.0),
                                            // Decoding, the network, or both limit the capacity.
                                            ::testing::Values(std::pair(18, 2), std::pair(18, 20), std::pair(40, 20))));

}  // namespace
}  // namespace semblance::testing
