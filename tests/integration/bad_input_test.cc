// Sends bad input to a server. Each gets its code, reason and field, and the server continues to answer.
#include <grpcpp/grpcpp.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gtest/gtest.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "semblance/v1/embedding_service.grpc.pb.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "tests/integration/rich_error.h"
#include "tests/integration/server_process.h"
#include "tests/integration/small_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_images.h"

namespace semblance::testing {
namespace {

class BadInputTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    WritePatternFolder(dir_->Join("images"), 2, 2, 1);
    TrainSmallModel(dir_->Join("images"), dir_->Join("bundle"), 0);
    server_ = new ServerProcess(dir_->Join("data"), dir_->Join("bundle"));
    ASSERT_TRUE(server_->WaitUntilServing());
    v1::GetServerInfoResponse info;
    grpc::ClientContext context;
    ASSERT_TRUE(v1::AdminService::NewStub(server_->channel())->GetServerInfo(&context, {}, &info).ok());
    space_ = info.provenance().embedding_space_id();
  }
  static void TearDownTestSuite() {
    delete server_;
    delete dir_;
  }

  // Must hold after every case: a good request is answered.
  void TearDown() override {
    v1::SearchRequest request;
    request.mutable_query()->set_image(PatternImage(1, 1));
    request.set_top_k(3);
    EXPECT_EQ(Search(request).code, grpc::StatusCode::OK);
  }

  static v1::SearchRequest ImageSearch(const std::string& image, int top_k = 3) {
    v1::SearchRequest request;
    request.mutable_query()->set_image(image);
    request.set_top_k(top_k);
    return request;
  }

  static v1::SearchRequest VectorSearch(const std::vector<float>& values, const std::string& space) {
    v1::SearchRequest request;
    request.mutable_query()->mutable_embedding()->mutable_values()->Add(values.begin(), values.end());
    request.mutable_query()->mutable_embedding()->set_embedding_space_id(space);
    request.set_top_k(3);
    return request;
  }

  static RichError Search(const v1::SearchRequest& request) {
    grpc::ClientContext context;
    v1::SearchResponse response;
    return Describe(v1::SearchService::NewStub(server_->channel())->Search(&context, request, &response));
  }

  static RichError BatchSearch(const v1::BatchSearchRequest& request) {
    grpc::ClientContext context;
    v1::BatchSearchResponse response;
    return Describe(v1::SearchService::NewStub(server_->channel())->BatchSearch(&context, request, &response));
  }

  static RichError Upsert(const v1::UpsertItemsRequest& request) {
    grpc::ClientContext context;
    v1::UpsertItemsResponse response;
    return Describe(v1::CatalogService::NewStub(server_->channel())->UpsertItems(&context, request, &response));
  }

  static void ExpectError(const RichError& error, grpc::StatusCode code, const std::string& reason, const std::string& field) {
    EXPECT_EQ(error.code, code);
    EXPECT_EQ(error.reason, reason);
    EXPECT_EQ(error.field, field);
  }

  static TempDir* dir_;
  static ServerProcess* server_;
  static std::string space_;
};

TempDir* BadInputTest::dir_ = nullptr;
ServerProcess* BadInputTest::server_ = nullptr;
std::string BadInputTest::space_;

constexpr grpc::StatusCode kInvalid = grpc::StatusCode::INVALID_ARGUMENT;

TEST_F(BadInputTest, ImagesThatCannotBeDecoded) {
  const std::string png = PatternImage(1, 1);
  const std::string jpeg = EncodeJpeg(SmoothImage(64, 48, 3));
  ExpectError(Search(ImageSearch("")), kInvalid, "IMAGE_MISSING", "query.image");
  ExpectError(Search(ImageSearch(png.substr(0, png.size() / 2))), kInvalid, "IMAGE_DECODE_FAILED", "query.image");
  ExpectError(Search(ImageSearch(jpeg.substr(0, jpeg.size() / 2))), kInvalid, "IMAGE_DECODE_FAILED", "query.image");
  ExpectError(Search(ImageSearch("%PDF-1.4 this is no picture at all, whatever its name says")), kInvalid, "UNSUPPORTED_MEDIA",
              "query.image");
}

TEST_F(BadInputTest, ImagesThatClaimToBeHuge) {
  for (const std::string& image :
       {PngOfClaimedSize(50'000, 50'000), JpegOfClaimedSize(50'000, 50'000), PngOfClaimedSize(16'384, 2'442)}) {
    ExpectError(Search(ImageSearch(image)), kInvalid, "IMAGE_TOO_LARGE", "query.image");
  }
  ExpectError(Search(ImageSearch(PatternImage(1, 1) + std::string(9 << 20, 'x'))), kInvalid, "IMAGE_TOO_LARGE", "query.image");
}

TEST_F(BadInputTest, Vectors) {
  const std::vector<float> good(8, 0.5F);
  EXPECT_EQ(Search(VectorSearch(good, space_)).code, grpc::StatusCode::OK);
  ExpectError(Search(VectorSearch(std::vector<float>(7, 0.5F), space_)), kInvalid, "DIMENSION_MISMATCH", "query.embedding.values");
  std::vector<float> bad = good;
  bad[3] = std::numeric_limits<float>::quiet_NaN();
  ExpectError(Search(VectorSearch(bad, space_)), kInvalid, "INVALID_VECTOR", "query.embedding.values");
  bad[3] = std::numeric_limits<float>::infinity();
  ExpectError(Search(VectorSearch(bad, space_)), kInvalid, "INVALID_VECTOR", "query.embedding.values");
  ExpectError(Search(VectorSearch(std::vector<float>(8, 0.0F), space_)), kInvalid, "INVALID_VECTOR", "query.embedding.values");
  ExpectError(Search(VectorSearch(good, "sha256:0")), grpc::StatusCode::FAILED_PRECONDITION, "EMBEDDING_SPACE_MISMATCH",
              "query.embedding.embedding_space_id");
  ExpectError(Search(VectorSearch(good, "")), kInvalid, "EMBEDDING_SPACE_MISSING", "query.embedding.embedding_space_id");
}

TEST_F(BadInputTest, NumbersOutOfRange) {
  ExpectError(Search(ImageSearch(PatternImage(1, 1), 0)), kInvalid, "LIMIT_EXCEEDED", "top_k");
  ExpectError(Search(ImageSearch(PatternImage(1, 1), -1)), kInvalid, "LIMIT_EXCEEDED", "top_k");
  EXPECT_EQ(Search(ImageSearch(PatternImage(1, 1), 1000)).code, grpc::StatusCode::OK);
  ExpectError(Search(ImageSearch(PatternImage(1, 1), 1001)), kInvalid, "LIMIT_EXCEEDED", "top_k");
  ExpectError(Search(ImageSearch(PatternImage(1, 1), 1'000'000'000)), kInvalid, "LIMIT_EXCEEDED", "top_k");
  v1::SearchRequest ahead = ImageSearch(PatternImage(1, 1));
  ahead.set_min_sequence(1'000'000);
  ExpectError(Search(ahead), grpc::StatusCode::UNAVAILABLE, "SEQUENCE_NOT_APPLIED", "min_sequence");
}

TEST_F(BadInputTest, QueriesAndIds) {
  v1::SearchRequest request;
  request.set_top_k(3);
  ExpectError(Search(request), kInvalid, "QUERY_MISSING", "query");
  request.mutable_query()->set_item_id("nobody");
  ExpectError(Search(request), grpc::StatusCode::NOT_FOUND, "ITEM_NOT_FOUND", "query.item_id");
  request.mutable_query()->set_item_id("");
  ExpectError(Search(request), kInvalid, "INVALID_ID", "query.item_id");
  request.mutable_query()->set_item_id(std::string(129, 'x'));
  ExpectError(Search(request), kInvalid, "INVALID_ID", "query.item_id");

  v1::BatchSearchRequest batch;
  batch.set_top_k(3);
  ExpectError(BatchSearch(batch), kInvalid, "LIMIT_EXCEEDED", "queries");
  batch.add_queries()->set_image(PatternImage(1, 1));
  batch.add_queries()->set_image("no image");
  ExpectError(BatchSearch(batch), kInvalid, "UNSUPPORTED_MEDIA", "queries[1].image");
  while (batch.queries_size() < 65) {
    batch.add_queries()->set_image(PatternImage(1, 1));
  }
  ExpectError(BatchSearch(batch), kInvalid, "LIMIT_EXCEEDED", "queries");
}

TEST_F(BadInputTest, OneBadItemStoresNothing) {
  v1::UpsertItemsRequest request;
  ExpectError(Upsert(request), kInvalid, "LIMIT_EXCEEDED", "items");
  v1::Item& first = *request.add_items();
  first.set_id("good");
  first.set_image(PatternImage(1, 1));
  v1::Item& second = *request.add_items();
  second.set_id("bad");
  ExpectError(Upsert(request), kInvalid, "IMAGE_MISSING", "items[1].image");
  second.set_image(PatternImage(1, 2).substr(0, 60));
  ExpectError(Upsert(request), kInvalid, "IMAGE_DECODE_FAILED", "items[1].image");
  second.set_image(PatternImage(1, 2));
  second.set_id("good");
  ExpectError(Upsert(request), kInvalid, "DUPLICATE_ID", "items[1].id");
  second.set_id("with\nline feed");
  ExpectError(Upsert(request), kInvalid, "INVALID_ID", "items[1].id");
  second.set_id("bad");
  (*second.mutable_attributes())["weight"].set_double_value(std::nan(""));
  ExpectError(Upsert(request), kInvalid, "INVALID_ATTRIBUTE", "items[1].attributes[weight]");
  (*second.mutable_attributes())["weight"].set_string_value(std::string(17 << 10, 'x'));
  ExpectError(Upsert(request), kInvalid, "LIMIT_EXCEEDED", "items[1].attributes");
  second.clear_attributes();
  second.set_label(std::string(257, 'x'));
  ExpectError(Upsert(request), kInvalid, "LIMIT_EXCEEDED", "items[1].label");

  v1::CountItemsResponse count;
  grpc::ClientContext context;
  ASSERT_TRUE(v1::CatalogService::NewStub(server_->channel())->CountItems(&context, {}, &count).ok());
  EXPECT_EQ(count.count(), 0);
}

TEST_F(BadInputTest, MessagesOverTheLimit) {
  v1::UpsertItemsRequest request;
  for (int i = 0; i < 3; ++i) {
    v1::Item& item = *request.add_items();
    item.set_id(absl::StrCat("large", i));
    item.set_image(std::string(17 * (1 << 20) / 3, 'x'));
  }
  ExpectError(Upsert(request), kInvalid, "LIMIT_EXCEEDED", "request");
  // The transport refuses a message above its own limit.
  request.mutable_items(0)->set_image(std::string(40 << 20, 'x'));
  EXPECT_EQ(Upsert(request).code, grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(BadInputTest, PageTokensAndUnknownItems) {
  const auto catalog = v1::CatalogService::NewStub(server_->channel());
  v1::ListItemsRequest list;
  list.set_page_token("not a token");
  v1::ListItemsResponse listed;
  grpc::ClientContext list_context;
  ExpectError(Describe(catalog->ListItems(&list_context, list, &listed)), kInvalid, "INVALID_PAGE_TOKEN", "page_token");
  list.clear_page_token();
  list.set_page_size(1001);
  grpc::ClientContext size_context;
  ExpectError(Describe(catalog->ListItems(&size_context, list, &listed)), kInvalid, "LIMIT_EXCEEDED", "page_size");

  v1::GetItemRequest get;
  get.set_id("nobody");
  v1::GetItemResponse got;
  grpc::ClientContext get_context;
  ExpectError(Describe(catalog->GetItem(&get_context, get, &got)), grpc::StatusCode::NOT_FOUND, "ITEM_NOT_FOUND", "");

  v1::DeleteItemsRequest remove;
  remove.add_ids("nobody");
  v1::DeleteItemsResponse removed;
  grpc::ClientContext remove_context;
  ASSERT_TRUE(catalog->DeleteItems(&remove_context, remove, &removed).ok());
  EXPECT_EQ(removed.deleted_count(), 0);
  ASSERT_EQ(removed.missing_ids_size(), 1);
  EXPECT_EQ(removed.missing_ids(0), "nobody");
}

TEST_F(BadInputTest, ImagesToEmbed) {
  const auto embedding = v1::EmbeddingService::NewStub(server_->channel());
  v1::EmbedImagesRequest request;
  request.add_images(PatternImage(1, 1));
  request.add_images("no image");
  v1::EmbedImagesResponse response;
  grpc::ClientContext context;
  ExpectError(Describe(embedding->EmbedImages(&context, request, &response)), kInvalid, "UNSUPPORTED_MEDIA", "images[1]");
  grpc::ClientContext empty_context;
  ExpectError(Describe(embedding->EmbedImages(&empty_context, {}, &response)), kInvalid, "LIMIT_EXCEEDED", "images");
}

}  // namespace
}  // namespace semblance::testing
