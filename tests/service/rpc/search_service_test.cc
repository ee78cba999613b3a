#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "tests/service/rpc/engine_service_fixture.h"

namespace semblance::service {
namespace {

using ::semblance::testing::EngineServiceFixture;
using ::semblance::testing::FieldOf;
using ::semblance::testing::ItemOf;
using ::semblance::testing::PictureOf;
using ::semblance::testing::ReasonOf;
using ::testing::ElementsAre;

std::vector<std::string> ResultIds(const v1::SearchResult& result) {
  std::vector<std::string> ids;
  for (const v1::Neighbor& neighbor : result.neighbors()) {
    ids.push_back(neighbor.item_id());
  }
  return ids;
}

class SearchServiceTest : public ::testing::Test, protected EngineServiceFixture<v1::SearchService> {
 protected:
  SearchServiceTest() : EngineServiceFixture(NewSearchService) {
    catalog::ItemWrite one = ItemOf("one", 1);
    one.attributes["price"] = int64_t{7};
    EXPECT_OK(Upsert({one, ItemOf("two", 2)}));
  }

  grpc::Status Search(const v1::SearchRequest& request) {
    found_.Clear();
    return Call(&v1::SearchService::Stub::Search, request, &found_);
  }

  grpc::Status BatchSearch(const v1::BatchSearchRequest& request) {
    batch_.Clear();
    return Call(&v1::SearchService::Stub::BatchSearch, request, &batch_);
  }

  v1::SearchResponse found_;
  v1::BatchSearchResponse batch_;
};

TEST_F(SearchServiceTest, FindsByImageAndNamesWhereTheAnswerComesFrom) {
  v1::SearchRequest request;
  request.mutable_query()->set_image(PictureOf(2));
  request.set_top_k(1);
  const grpc::Status status = Search(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(ResultIds(found_.result()), ElementsAre("two"));
  EXPECT_EQ(found_.result().neighbors(0).label(), "picture 2");
  EXPECT_NEAR(found_.result().neighbors(0).score(), 1, 1e-5);
  EXPECT_EQ(found_.provenance().generation(), "gen-000001");
  EXPECT_EQ(found_.provenance().applied_sequence(), 2u);
  EXPECT_TRUE(found_.latency().has_total());
}

TEST_F(SearchServiceTest, AttributesComeOnlyWhenTheyAreAskedFor) {
  v1::SearchRequest request;
  request.mutable_query()->set_item_id("two");
  request.set_top_k(2);
  request.add_exclude_item_ids("two");
  ASSERT_TRUE(Search(request).ok());
  ASSERT_THAT(ResultIds(found_.result()), ElementsAre("one"));
  EXPECT_EQ(found_.result().neighbors(0).attributes_size(), 0);
  request.set_include_attributes(true);
  ASSERT_TRUE(Search(request).ok());
  EXPECT_EQ(found_.result().neighbors(0).attributes().at("price").int_value(), 7);
}

TEST_F(SearchServiceTest, AnErrorNamesTheFieldOfTheQuery) {
  v1::SearchRequest request;
  request.set_top_k(1);
  const grpc::Status empty = Search(request);
  EXPECT_EQ(empty.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(empty), "query");
  request.mutable_query()->set_item_id("nobody");
  const grpc::Status missing = Search(request);
  EXPECT_EQ(missing.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(missing), "ITEM_NOT_FOUND");
}

TEST_F(SearchServiceTest, ABatchAnswersInTheOrderOfItsQueries) {
  v1::BatchSearchRequest request;
  request.add_queries()->set_item_id("two");
  request.add_queries()->set_image(PictureOf(1));
  request.set_top_k(1);
  const grpc::Status status = BatchSearch(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(batch_.results_size(), 2);
  EXPECT_THAT(ResultIds(batch_.results(1)), ElementsAre("one"));
  EXPECT_EQ(batch_.provenance().generation(), "gen-000001");
}

TEST_F(SearchServiceTest, AnErrorOfABatchNamesTheQuery) {
  v1::BatchSearchRequest request;
  request.set_top_k(1);
  EXPECT_EQ(FieldOf(BatchSearch(request)), "queries");
  request.add_queries()->set_item_id("two");
  request.add_queries()->set_image("no image");
  EXPECT_THAT(FieldOf(BatchSearch(request)), ::testing::StartsWith("queries[1]"));
}

}  // namespace
}  // namespace semblance::service
