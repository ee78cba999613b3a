#include "service/live/generation_traffic.h"

#include <random>

#include "absl/container/flat_hash_set.h"
#include "common/digest.h"

namespace semblance::service {
namespace {

constexpr double kOverlapUnit = 1e6;

}  // namespace

void TrafficCounter::CountShadow(double overlap) {
  shadows_.fetch_add(1, std::memory_order_relaxed);
  overlap_.fetch_add(static_cast<int64_t>(overlap * kOverlapUnit), std::memory_order_relaxed);
}

GenerationTraffic TrafficCounter::Read() const {
  GenerationTraffic traffic;
  traffic.shares = shares_;
  traffic.canary_count = canaries_.load();
  traffic.shadow_count = shadows_.load();
  traffic.shadow_dropped_count = dropped_.load();
  if (traffic.shadow_count > 0) {
    traffic.shadow_overlap = static_cast<double>(overlap_.load()) / kOverlapUnit / static_cast<double>(traffic.shadow_count);
  }
  return traffic;
}

double RoutingPoint(absl::string_view routing_key) {
  if (routing_key.empty()) {
    thread_local std::minstd_rand random{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(random);
  }
  // 13 hex digits are 52 bits, which a double holds exactly.
  const std::string digest = Sha256Hex(routing_key).substr(0, 13);
  return static_cast<double>(std::stoull(digest, nullptr, 16)) / static_cast<double>(uint64_t{1} << 52);
}

double OverlapOf(const SearchAnswer& live, const SearchAnswer& other) {
  int64_t expected = 0;
  int64_t found = 0;
  for (size_t i = 0; i < live.results.size(); ++i) {
    absl::flat_hash_set<absl::string_view> ids;
    for (const FoundItem& item : other.results[i]) {
      ids.insert(item.item->id);
    }
    for (const FoundItem& item : live.results[i]) {
      ++expected;
      found += ids.contains(item.item->id) ? 1 : 0;
    }
  }
  return expected == 0 ? 1 : static_cast<double>(found) / static_cast<double>(expected);
}

}  // namespace semblance::service
