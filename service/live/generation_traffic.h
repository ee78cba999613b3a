// Live searches for a generation that is not active: a canary answers some of them, a shadow only answers for comparison.
//
// Thread-safe.
//
// Who asks with a key falls on a point of [0, 1) that depends on the key alone, on every server and after every restart; without
// one on a random point. A canary of share s answers the points below s (several canaries lie next to each other, in the order of
// their ids). Shadows draw at random.
#ifndef SEMBLANCE_SERVICE_LIVE_GENERATION_TRAFFIC_H_
#define SEMBLANCE_SERVICE_LIVE_GENERATION_TRAFFIC_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
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
  // Sum of overlaps, in millionths.
  std::atomic<int64_t> overlap_{0};
};

// Where a key falls, in [0, 1). Empty: anywhere.
double RoutingPoint(absl::string_view routing_key);

// Of the items of `live`, the share that `other` has too, over all queries; 1 where there are none.
double OverlapOf(const SearchAnswer& live, const SearchAnswer& other);

// Errors: InvalidArgument/CONFIG_INVALID, field "traffic.canary_share" or "traffic.shadow_share", for a share outside [0, 1].
absl::Status CheckShares(const TrafficShares& shares);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_LIVE_GENERATION_TRAFFIC_H_
