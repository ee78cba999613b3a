// A gRPC server in this process whose services give the answers that the test sets.
//
// Answers may be set before the first call only, because the handlers run on gRPC's threads.
#ifndef SEMBLANCE_TESTS_CLI_FAKE_SERVER_H_
#define SEMBLANCE_TESTS_CLI_FAKE_SERVER_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "semblance/v1/admin_service.grpc.pb.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/embedding_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "tests/cli/fake_generation_service.h"
#include "tests/cli/fake_method.h"
#include "tests/cli/fake_model_service.h"
#include "tests/cli/fake_training_service.h"

namespace semblance::testing {

class FakeServer {
 public:
  FakeServer() { Start("127.0.0.1:0"); }

  // Breaks off all calls, and serves again at the same address.
  void Restart() {
    Stop();
    Start(address_);
  }

  void Stop() {
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

  // gRPC's own limit is twice the limit of a real server, which is 16 MiB.
  static constexpr int kMaxMessageBytes = 32 << 20;

  const std::string& address() const { return address_; }

  FakeMethod<v1::GetServerInfoRequest, v1::GetServerInfoResponse> get_server_info;
  FakeMethod<v1::GetItemRequest, v1::GetItemResponse> get_item;
  FakeMethod<v1::DeleteItemsRequest, v1::DeleteItemsResponse> delete_items;
  FakeMethod<v1::ListItemsRequest, v1::ListItemsResponse> list_items;
  FakeMethod<v1::CountItemsRequest, v1::CountItemsResponse> count_items;
  FakeMethod<v1::EmbedImagesRequest, v1::EmbedImagesResponse> embed_images;
  FakeMethod<v1::SearchRequest, v1::SearchResponse> search;
  FakeModelService models;
  FakeGenerationService generations;
  FakeTrainingService training;
  // Several threads may call this at once, so it keeps no state.
  std::function<grpc::Status(const v1::UpsertItemsRequest&)> upsert_items = [](const auto&) { return grpc::Status::OK; };

 private:
  void Start(const std::string& address) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.RegisterService(&admin_);
    builder.RegisterService(&catalog_);
    builder.RegisterService(&embedding_);
    builder.RegisterService(&generations);
    builder.RegisterService(&models);
    builder.RegisterService(&search_);
    builder.RegisterService(&training);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }

  class FakeAdmin : public v1::AdminService::Service {
   public:
    explicit FakeAdmin(FakeServer* fake) : fake_(*fake) {}
    grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest* request,
                               v1::GetServerInfoResponse* response) override {
      return fake_.get_server_info.Call(*request, response);
    }

   private:
    FakeServer& fake_;
  };

  class FakeCatalog : public v1::CatalogService::Service {
   public:
    explicit FakeCatalog(FakeServer* fake) : fake_(*fake) {}
    grpc::Status UpsertItems(grpc::ServerContext*, const v1::UpsertItemsRequest* request, v1::UpsertItemsResponse*) override {
      return fake_.upsert_items(*request);
    }
    grpc::Status GetItem(grpc::ServerContext*, const v1::GetItemRequest* request, v1::GetItemResponse* response) override {
      return fake_.get_item.Call(*request, response);
    }
    grpc::Status DeleteItems(grpc::ServerContext*, const v1::DeleteItemsRequest* request,
                             v1::DeleteItemsResponse* response) override {
      return fake_.delete_items.Call(*request, response);
    }
    grpc::Status ListItems(grpc::ServerContext*, const v1::ListItemsRequest* request, v1::ListItemsResponse* response) override {
      return fake_.list_items.Call(*request, response);
    }
    grpc::Status CountItems(grpc::ServerContext*, const v1::CountItemsRequest* request, v1::CountItemsResponse* response) override {
      return fake_.count_items.Call(*request, response);
    }

   private:
    FakeServer& fake_;
  };

  class FakeEmbedding : public v1::EmbeddingService::Service {
   public:
    explicit FakeEmbedding(FakeServer* fake) : fake_(*fake) {}
    grpc::Status EmbedImages(grpc::ServerContext*, const v1::EmbedImagesRequest* request,
                             v1::EmbedImagesResponse* response) override {
      return fake_.embed_images.Call(*request, response);
    }

   private:
    FakeServer& fake_;
  };

  class FakeSearch : public v1::SearchService::Service {
   public:
    explicit FakeSearch(FakeServer* fake) : fake_(*fake) {}
    grpc::Status Search(grpc::ServerContext*, const v1::SearchRequest* request, v1::SearchResponse* response) override {
      return fake_.search.Call(*request, response);
    }

   private:
    FakeServer& fake_;
  };

  FakeAdmin admin_{this};
  FakeCatalog catalog_{this};
  FakeEmbedding embedding_{this};
  FakeSearch search_{this};
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CLI_FAKE_SERVER_H_
