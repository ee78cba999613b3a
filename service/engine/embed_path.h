// The path of a request for embeddings: from the client's images to their vectors in the active generation.
//
// Thread-safe. The steps are the methods of EmbedRequestRun, in their order: Decode, OnEmbedded.
#ifndef SEMBLANCE_SERVICE_ENGINE_EMBED_PATH_H_
#define SEMBLANCE_SERVICE_ENGINE_EMBED_PATH_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "service/engine/request_environment.h"
#include "service/engine/types.h"

namespace semblance::service {

class EmbedPath {
 public:
  // `environment` must outlive the requests.
  explicit EmbedPath(const RequestEnvironment* environment) : environment_(environment) {}

  // See Engine::EmbedImages.
  void EmbedImages(std::vector<absl::string_view> images, const CallContext& context, const Callback<EmbedAnswer>& done);

 private:
  const RequestEnvironment* const environment_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_EMBED_PATH_H_
