#include <utility>

#include "absl/strings/str_cat.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "service/engine/engine.h"
#include "service/rpc/complete_answer.h"
#include "service/rpc/convert.h"
#include "service/rpc/services.h"

namespace semblance::service {
namespace {

// Search and BatchSearch share this.
template <typename Request>
SearchInput InputOf(const Request& request) {
  SearchInput input;
  input.top_k = request.top_k();
  input.min_sequence = request.min_sequence();
  input.exclude_item_ids = {request.exclude_item_ids().begin(), request.exclude_item_ids().end()};
  input.routing_key = request.routing_key();
  input.generation = request.generation();
  return input;
}

class SearchServiceAdaptor final : public v1::SearchService::CallbackService {
 public:
  SearchServiceAdaptor(Engine* engine, CallTracker* calls) : engine_(engine), calls_(calls) {}

  grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext* context, const v1::SearchRequest* request,
                                   v1::SearchResponse* response) override {
    return calls_->Run(context, {v1::SearchService::service_full_name(), "Search"}, *request, [&](UnaryCall* call) {
      SearchInput input = InputOf(*request);
      input.queries.push_back(FromProto(request->query()));
      input.query_fields.emplace_back("query");
      engine_->Search(std::move(input), call->context(), [call, request, response](const absl::StatusOr<SearchAnswer>& answer) {
        CompleteAnswer(answer, call, response, [request, response](const SearchAnswer& found) {
          ToProto(found.results.front(), request->include_attributes(), response->mutable_result());
        });
      });
    });
  }

  grpc::ServerUnaryReactor* BatchSearch(grpc::CallbackServerContext* context, const v1::BatchSearchRequest* request,
                                        v1::BatchSearchResponse* response) override {
    return calls_->Run(context, {v1::SearchService::service_full_name(), "BatchSearch"}, *request, [&](UnaryCall* call) {
      SearchInput input = InputOf(*request);
      for (const v1::Query& query : request->queries()) {
        input.query_fields.push_back(absl::StrCat("queries[", input.queries.size(), "]"));
        input.queries.push_back(FromProto(query));
      }
      engine_->Search(std::move(input), call->context(), [call, request, response](const absl::StatusOr<SearchAnswer>& answer) {
        CompleteAnswer(answer, call, response, [request, response](const SearchAnswer& found) {
          for (const std::vector<FoundItem>& result : found.results) {
            ToProto(result, request->include_attributes(), response->add_results());
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

std::unique_ptr<grpc::Service> NewSearchService(Engine* engine, CallTracker* calls) {
  return std::make_unique<SearchServiceAdaptor>(engine, calls);
}

}  // namespace semblance::service
