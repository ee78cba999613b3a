// The path of a search: from the client's queries to the items that resemble them.
//
// Thread-safe. A search takes its generation once, when it is admitted. It is decoded, embedded and searched in that generation:
// the active one, the one that the client names, or a canary. The steps are the methods of SearchRequestRun, in their order:
// Prepare, Embed, OnEmbedded, SearchIndex.
#ifndef SEMBLANCE_SERVICE_ENGINE_SEARCH_PATH_H_
#define SEMBLANCE_SERVICE_ENGINE_SEARCH_PATH_H_

#include "absl/status/statusor.h"
#include "service/engine/recall_probe.h"
#include "service/engine/request_environment.h"
#include "service/engine/shadow_traffic.h"
#include "service/engine/types.h"
#include "service/live/live_generations.h"

namespace semblance::service {

class SearchPath {
 public:
  // All must outlive the searches.
  SearchPath(const RequestEnvironment* environment, ShadowTraffic* shadows, RecallProbe* recall_probe);

  // See Engine::Search.
  void Search(SearchInput input, const CallContext& context, const Callback<SearchAnswer>& done);

 private:
  class SearchRequestRun;

  // Chooses the generation that answers. Errors: Unavailable/DRAINING or NO_ACTIVE_GENERATION. For a generation that the client
  // names, also NotFound/GENERATION_NOT_FOUND or FailedPrecondition/GENERATION_NOT_READY.
  absl::StatusOr<LiveGenerations::Route> RouteOf(const SearchInput& input) const;
  // Returns the named generation. There need not be an active one.
  absl::StatusOr<LiveGenerations::Route> RouteToNamed(const std::string& id) const;

  const RequestEnvironment* const environment_;
  ShadowTraffic* const shadows_;
  RecallProbe* const recall_probe_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_SEARCH_PATH_H_
