// Shadow traffic: what a client asked is asked of another generation too, when the client has its answer, and the two answers are
// compared. It takes only spare capacity: a comparison that would have to wait is dropped and counted.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_ENGINE_SHADOW_TRAFFIC_H_
#define SEMBLANCE_SERVICE_ENGINE_SHADOW_TRAFFIC_H_

#include <atomic>
#include <memory>
#include <vector>

#include "service/engine/request_environment.h"
#include "service/engine/types.h"
#include "service/live/live_generations.h"

namespace semblance::service {

class ShadowTraffic {
 private:
  class ShadowRun;

 public:
  // Comparisons that run at once.
  static constexpr int kMaxRunning = 2;

  using Comparisons = std::vector<std::shared_ptr<ShadowRun>>;

  // `environment` must outlive the comparisons.
  explicit ShadowTraffic(const RequestEnvironment* environment) : environment_(environment) {}

  // Copies what comparing `answer` with those of `targets` needs: the client's images are gone once it has its answer. Empty where
  // there are no targets, or where they are dropped. REQUIRES: `input` has images and items only.
  Comparisons Prepare(const std::vector<LiveGenerations::Target>& targets, const SearchInput& input, const SearchAnswer& answer);

  // Runs the comparisons on the threads for bulk work.
  void Start(Comparisons comparisons);

 private:
  const RequestEnvironment* const environment_;
  std::atomic<int> running_ = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_SHADOW_TRAFFIC_H_
