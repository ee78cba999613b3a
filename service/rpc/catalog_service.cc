#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "service/engine/engine.h"
#include "service/rpc/convert.h"
#include "service/rpc/services.h"

namespace semblance::service {
namespace {

absl::StatusOr<std::vector<catalog::ItemWrite>> ItemsOf(const v1::UpsertItemsRequest& request) {
  std::vector<catalog::ItemWrite> items;
  items.reserve(static_cast<size_t>(request.items_size()));
  for (const v1::Item& item : request.items()) {
    absl::StatusOr<catalog::ItemWrite> write = FromProto(item);
    if (!write.ok()) {
      return WithFieldPrefix(write.status(), absl::StrCat("items[", items.size(), "]"));
    }
    items.push_back(*std::move(write));
  }
  return items;
}

class CatalogServiceAdaptor final : public v1::CatalogService::CallbackService {
 public:
  CatalogServiceAdaptor(Engine* engine, CallTracker* calls) : engine_(engine), calls_(calls) {}

  grpc::ServerUnaryReactor* UpsertItems(grpc::CallbackServerContext* context, const v1::UpsertItemsRequest* request,
                                        v1::UpsertItemsResponse* response) override {
    return calls_->Run(context, Method("UpsertItems"), *request, [&](UnaryCall* call) {
      absl::StatusOr<std::vector<catalog::ItemWrite>> items = ItemsOf(*request);
      if (!items.ok()) {
        return call->Complete(items.status());
      }
      engine_->Upsert(*std::move(items), call->context(), [call, response](const absl::StatusOr<WriteAnswer>& answer) {
        if (answer.ok()) {
          response->mutable_sequences()->Add(answer->sequences.begin(), answer->sequences.end());
          ToProto(answer->provenance, response->mutable_provenance());
          ToProto(answer->latency, response->mutable_latency());
        }
        call->Complete(answer.status());
      });
    });
  }

  grpc::ServerUnaryReactor* GetItem(grpc::CallbackServerContext* context, const v1::GetItemRequest* request,
                                    v1::GetItemResponse* response) override {
    return calls_->Run(context, Method("GetItem"), *request, [&](UnaryCall* call) {
      if (request->include_image()) {
        engine_->FindWithImage(request->id(), call->context(),
                               [call, response](absl::StatusOr<std::pair<catalog::CatalogItem, std::string>> found) {
                                 if (found.ok()) {
                                   ToProto(found->first, response->mutable_item());
                                   response->mutable_item()->set_image(std::move(found->second));
                                 }
                                 call->Complete(found.status());
                               });
        return;
      }
      engine_->Find(request->id(), call->context(), [call, response](const absl::StatusOr<catalog::CatalogItem>& item) {
        if (item.ok()) {
          ToProto(*item, response->mutable_item());
        }
        call->Complete(item.status());
      });
    });
  }

  grpc::ServerUnaryReactor* DeleteItems(grpc::CallbackServerContext* context, const v1::DeleteItemsRequest* request,
                                        v1::DeleteItemsResponse* response) override {
    return calls_->Run(context, Method("DeleteItems"), *request, [&](UnaryCall* call) {
      engine_->Delete({request->ids().begin(), request->ids().end()}, call->context(),
                      [call, response](const absl::StatusOr<WriteAnswer>& answer) {
                        if (answer.ok()) {
                          response->set_deleted_count(answer->deleted_count);
                          response->mutable_missing_ids()->Add(answer->missing_ids.begin(), answer->missing_ids.end());
                          ToProto(answer->provenance, response->mutable_provenance());
                        }
                        call->Complete(answer.status());
                      });
    });
  }

  grpc::ServerUnaryReactor* ListItems(grpc::CallbackServerContext* context, const v1::ListItemsRequest* request,
                                      v1::ListItemsResponse* response) override {
    return calls_->Run(context, Method("ListItems"), *request, [&](UnaryCall* call) {
      engine_->List(request->page_size(), request->page_token(), call->context(),
                    [call, response](const absl::StatusOr<ItemPage>& page) {
                      if (page.ok()) {
                        for (const catalog::CatalogItem& item : page->items) {
                          ToProto(item, response->add_items());
                        }
                        response->set_next_page_token(page->next_page_token);
                      }
                      call->Complete(page.status());
                    });
    });
  }

  grpc::ServerUnaryReactor* CountItems(grpc::CallbackServerContext* context, const v1::CountItemsRequest* request,
                                       v1::CountItemsResponse* response) override {
    return calls_->Run(context, Method("CountItems"), *request, [&](UnaryCall* call) {
      response->set_count(engine_->item_count());
      response->set_last_sequence(engine_->last_sequence());
      call->Complete(absl::OkStatus());
    });
  }

 private:
  static RpcMethod Method(absl::string_view name) { return {v1::CatalogService::service_full_name(), name}; }

  Engine* const engine_;
  CallTracker* const calls_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewCatalogService(Engine* engine, CallTracker* calls) {
  return std::make_unique<CatalogServiceAdaptor>(engine, calls);
}

}  // namespace semblance::service
