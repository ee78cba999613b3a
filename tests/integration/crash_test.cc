// Kills the server with kill -9 while clients write.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "tests/integration/server_process.h"
#include "tests/integration/small_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

constexpr int kKills = 20;
constexpr int kWriters = 3;
constexpr int kBatch = 8;

// The clients know the ids that they sent, and which writes of them were answered.
struct Ledger {
  std::mutex mutex;
  std::set<std::string> acknowledged;
  std::set<std::string> deleted;
  std::map<std::string, std::string> sent;
  std::map<std::string, std::set<std::string>> batch_of;
};

std::string LabelOf(const std::string& id) {
  return "label of " + id;
}

// Writes batches and deletes every fourth one, until the server has ended.
void WriteUntilKilled(const std::shared_ptr<grpc::Channel>& channel, const std::string& prefix, Ledger& ledger) {
  const auto catalog = v1::CatalogService::NewStub(channel);
  for (int batch = 0;; ++batch) {
    v1::UpsertItemsRequest request;
    for (int i = 0; i < kBatch; ++i) {
      const std::string id = absl::StrCat(prefix, "/", batch, "/", i);
      v1::Item& item = *request.add_items();
      item.set_id(id);
      item.set_label(LabelOf(id));
      item.set_image(PatternImage(i, batch));
      const std::lock_guard lock(ledger.mutex);
      ledger.sent[id] = item.image();
      ledger.batch_of[id].insert(absl::StrCat(prefix, "/", batch));
    }
    v1::UpsertItemsResponse response;
    grpc::ClientContext context;
    if (!catalog->UpsertItems(&context, request, &response).ok()) {
      return;
    }
    {
      const std::lock_guard lock(ledger.mutex);
      for (const v1::Item& item : request.items()) {
        ledger.acknowledged.insert(item.id());
      }
    }
    if (batch % 4 == 3) {
      v1::DeleteItemsRequest remove;
      remove.add_ids(request.items(0).id());
      v1::DeleteItemsResponse removed;
      grpc::ClientContext remove_context;
      const grpc::Status status = catalog->DeleteItems(&remove_context, remove, &removed);
      const std::lock_guard lock(ledger.mutex);
      ledger.acknowledged.erase(remove.ids(0));  // Whether it is there is open until the delete is answered.
      if (!status.ok()) {
        return;
      }
      ledger.deleted.insert(remove.ids(0));
    }
  }
}

std::map<std::string, v1::Item> ListAll(v1::CatalogService::Stub& catalog) {
  std::map<std::string, v1::Item> items;
  v1::ListItemsRequest request;
  request.set_page_size(1000);
  do {
    v1::ListItemsResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(catalog.ListItems(&context, request, &response).ok());
    for (const v1::Item& item : response.items()) {
      EXPECT_TRUE(items.emplace(item.id(), item).second) << item.id() << " is listed twice";
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return items;
}

// The item is whole (image, label) and a search by its own image finds it.
void ExpectFound(v1::CatalogService::Stub& catalog, v1::SearchService::Stub& search, const std::string& id,
                 const std::string& image) {
  v1::GetItemRequest get;
  get.set_id(id);
  get.set_include_image(true);
  v1::GetItemResponse got;
  grpc::ClientContext get_context;
  ASSERT_TRUE(catalog.GetItem(&get_context, get, &got).ok()) << id;
  EXPECT_EQ(got.item().image(), image) << id;
  EXPECT_EQ(got.item().label(), LabelOf(id));

  // The search is by id, because other items may have the same picture. The item's own vector must exist.
  v1::SearchRequest request;
  request.mutable_query()->set_item_id(id);
  request.set_top_k(1);
  v1::SearchResponse response;
  grpc::ClientContext context;
  const grpc::Status status = search.Search(&context, request, &response);
  EXPECT_TRUE(status.ok()) << id << ": " << status.error_message();
}

TEST(CrashTest, AcknowledgedWritesSurviveKill9AndNothingIsHalfThere) {
  const TempDir dir;
  WritePatternFolder(dir.Join("images"), 2, 2, 1);
  TrainSmallModel(dir.Join("images"), dir.Join("bundle"), 0);
  // Segments are small, so that kills also hit sealing and merging.
  ASSERT_OK(WriteFileAtomically(dir.Join("config.textproto"), "index { seal_rows: 64 }"));
  Ledger ledger;
  std::mt19937 random(7);
  size_t checked = 0;
  for (int round = 0; round <= kKills; ++round) {
    ServerProcess server(dir.Join("data"), dir.Join("bundle"), {"--config=" + dir.Join("config.textproto")});
    ASSERT_TRUE(server.WaitUntilServing());
    const auto catalog = v1::CatalogService::NewStub(server.channel());
    const auto search = v1::SearchService::NewStub(server.channel());

    const std::map<std::string, v1::Item> items = ListAll(*catalog);
    for (const std::string& id : ledger.acknowledged) {
      EXPECT_TRUE(items.contains(id)) << id << " was acknowledged and is lost";
    }
    for (const std::string& id : ledger.deleted) {
      EXPECT_FALSE(items.contains(id)) << id << " was deleted and is back";
    }
    std::map<std::string, int> members;
    for (const auto& [id, item] : items) {
      ASSERT_TRUE(ledger.sent.contains(id)) << id << " was never sent";
      members[*ledger.batch_of[id].begin()] += 1;
      if (round == kKills || !ledger.acknowledged.contains(id) || random() % 8 == 0) {
        ExpectFound(*catalog, *search, id, ledger.sent[id]);
        ++checked;
      }
    }
    for (const auto& [batch, count] : members) {
      EXPECT_GE(count, kBatch - 1) << batch << " is half there";  // One of a batch may have been deleted.
    }
    // Every row of the index belongs to an item, and every item has a row.
    v1::GetServerInfoResponse info;
    grpc::ClientContext info_context;
    ASSERT_TRUE(v1::AdminService::NewStub(server.channel())->GetServerInfo(&info_context, {}, &info).ok());
    EXPECT_EQ(info.index().live_count(), static_cast<int64_t>(items.size()));
    EXPECT_EQ(info.item_count(), static_cast<int64_t>(items.size()));
    if (round == kKills) {
      break;
    }
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] { WriteUntilKilled(server.channel(), absl::StrCat("round", round, "/writer", i), ledger); });
    }
    absl::SleepFor(absl::Milliseconds(20 + random() % 150));  // A random moment is the point.
    server.process().Signal(SIGKILL);
    for (std::thread& writer : writers) {
      writer.join();
    }
  }
  EXPECT_GT(ledger.acknowledged.size(), 100u);
  EXPECT_GT(checked, 20u);
}

TEST(CrashTest, NothingIsEmbeddedAgainAfterKill9) {
  const TempDir dir;
  WritePatternFolder(dir.Join("images"), 2, 2, 1);
  TrainSmallModel(dir.Join("images"), dir.Join("bundle"), 0);
  {
    ServerProcess server(dir.Join("data"), dir.Join("bundle"));
    ASSERT_TRUE(server.WaitUntilServing());
    v1::UpsertItemsRequest request;
    for (int i = 0; i < 50; ++i) {
      v1::Item& item = *request.add_items();
      item.set_id(absl::StrCat("item", i));
      item.set_image(PatternImage(i, i));
    }
    v1::UpsertItemsResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(v1::CatalogService::NewStub(server.channel())->UpsertItems(&context, request, &response).ok());
    server.process().Signal(SIGKILL);
  }
  // Without --model the server uses the model that was active before.
  ServerProcess server(dir.Join("data"), "");
  ASSERT_TRUE(server.WaitUntilServing());
  v1::GetServerInfoResponse info;
  grpc::ClientContext context;
  ASSERT_TRUE(v1::AdminService::NewStub(server.channel())->GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.index().live_count(), 50);
  EXPECT_EQ(info.index().embedded_at_load_count(), 0);
}

}  // namespace
}  // namespace semblance::testing
