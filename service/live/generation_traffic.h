// Live searches for a generation that is not active. A canary answers some of them. A shadow answers only for comparison.
//
// Thread-safe.
//
// Every search has a point in [0, 1). With a routing key the point depends on the key alone, so it is the same on every server and
// after every restart. Without a key it is random. A canary with share s answers the searches whose points are below s; several
// canaries take neighboring intervals in the order of their ids. Shadows are drawn at random.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_TRAFFIC_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_TRAFFIC_H_

#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "service/live/generation_info.h"
#include "service/live/search_answer.h"

namespace semblance::service {

class TrafficCounter {
 public:
  explicit TrafficCounter(const TrafficShares& shares) : shares_(shares) {}

  const TrafficShares& shares() const { return shares_; }

  void CountCanary() { canaries_.fetch_add(1, std::memory_order_relaxed); }
  void CountShadow(double overlap);
  void CountDroppedShadow() { dropped_.fetch_add(1, std::memory_order_relaxed); }

  GenerationTraffic Read() const;

 private:
  const TrafficShares shares_;
  std::atomic<int64_t> canaries_{0};
  std::atomic<int64_t> shadows_{0};
  std::atomic<int64_t> dropped_{0};
  // The sum of all overlaps, in millionths.
  std::atomic<int64_t> overlap_{0};
};

// The point of a key, in [0, 1). An empty key gets a random point.
double RoutingPoint(absl::string_view routing_key);

// The share of the items of `live` that `other` has too, over all queries. It is 1 when `live` has no items. REQUIRES: both answer
// the same queries.
double OverlapOf(const SearchAnswer& live, const SearchAnswer& other);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_TRAFFIC_H_
