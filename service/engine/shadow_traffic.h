// Shadow traffic. When a client has its answer, the same question is put to another generation too, and the two answers are
// compared. This uses only spare capacity: a comparison that would have to wait is dropped and counted.
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
  // The number of comparisons that run at the same time.
  static constexpr int kMaxRunning = 2;

  using Comparisons = std::vector<std::shared_ptr<ShadowRun>>;

  // `environment` must outlive the comparisons.
  explicit ShadowTraffic(const RequestEnvironment* environment) : environment_(environment) {}

  // Copies the data for comparing `answer` with those of `targets`, because the client's images are gone once it has its answer.
  // The result is empty if there are no targets, or if the comparisons are dropped. REQUIRES: `input` has only images and items.
  Comparisons Prepare(const std::vector<LiveGenerations::Target>& targets, const SearchInput& input, const SearchAnswer& answer);

  // Runs the comparisons on the threads for bulk work.
  void Start(Comparisons comparisons);

 private:
  const RequestEnvironment* const environment_;
  std::atomic<int> running_ = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_SHADOW_TRAFFIC_H_
