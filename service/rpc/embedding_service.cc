#include <utility>

#include "semblance/v1/embedding_service.grpc.pb.h"
#include "service/engine/engine.h"
#include "service/rpc/complete_answer.h"
#include "service/rpc/services.h"

namespace semblance::service {
namespace {

class EmbeddingServiceAdaptor final : public v1::EmbeddingService::CallbackService {
 public:
  EmbeddingServiceAdaptor(Engine* engine, CallTracker* calls) : engine_(engine), calls_(calls) {}

  grpc::ServerUnaryReactor* EmbedImages(grpc::CallbackServerContext* context, const v1::EmbedImagesRequest* request,
                                        v1::EmbedImagesResponse* response) override {
    return calls_->Run(context, {v1::EmbeddingService::service_full_name(), "EmbedImages"}, *request, [&](UnaryCall* call) {
      std::vector<absl::string_view> images(request->images().begin(), request->images().end());
      engine_->EmbedImages(std::move(images), call->context(), [call, response](const absl::StatusOr<EmbedAnswer>& answer) {
        CompleteAnswer(answer, call, response, [response](const EmbedAnswer& embedded) {
          for (const std::vector<float>& vector : embedded.vectors) {
            v1::Embedding* embedding = response->add_embeddings();
            embedding->mutable_values()->Add(vector.begin(), vector.end());
            embedding->set_embedding_space_id(embedded.provenance.embedding_space_id);
          }
        });
      });
    });
  }

 private:
  Engine* const engine_;
  CallTracker* const calls_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewEmbeddingService(Engine* engine, CallTracker* calls) {
  return std::make_unique<EmbeddingServiceAdaptor>(engine, calls);
}

}  // namespace semblance::service
