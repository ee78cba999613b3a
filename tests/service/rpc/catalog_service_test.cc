#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "tests/service/rpc/engine_service_fixture.h"

namespace semblance::service {
namespace {

using ::semblance::testing::EngineServiceFixture;
using ::semblance::testing::FieldOf;
using ::semblance::testing::PictureOf;
using ::semblance::testing::ReasonOf;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class CatalogServiceTest : public ::testing::Test, protected EngineServiceFixture<v1::CatalogService> {
 protected:
  CatalogServiceTest() : EngineServiceFixture(NewCatalogService) {}

  static void AddItem(v1::UpsertItemsRequest& request, const std::string& id, uint32_t picture) {
    v1::Item& item = *request.add_items();
    item.set_id(id);
    item.set_image(PictureOf(picture));
  }

  // Stores the items "one" and "two".
  void Fill() {
    v1::UpsertItemsRequest request;
    AddItem(request, "one", 1);
    request.mutable_items(0)->set_label("first");
    (*request.mutable_items(0)->mutable_attributes())["price"].set_double_value(2.5);
    AddItem(request, "two", 2);
    v1::UpsertItemsResponse response;
    const grpc::Status status = Call(&v1::CatalogService::Stub::UpsertItems, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_THAT(response.sequences(), ElementsAre(1, 2));
    EXPECT_EQ(response.provenance().applied_sequence(), 2u);
  }

  grpc::Status GetItem(const std::string& id, bool include_image) {
    v1::GetItemRequest request;
    request.set_id(id);
    request.set_include_image(include_image);
    got_.Clear();
    return Call(&v1::CatalogService::Stub::GetItem, request, &got_);
  }

  int64_t Count() {
    v1::CountItemsResponse response;
    EXPECT_TRUE(Call(&v1::CatalogService::Stub::CountItems, v1::CountItemsRequest(), &response).ok());
    return response.count();
  }

  v1::GetItemResponse got_;
};

TEST_F(CatalogServiceTest, AStoredItemIsReadAsItWasWritten) {
  Fill();
  ASSERT_TRUE(GetItem("one", /*include_image=*/false).ok());
  EXPECT_EQ(got_.item().label(), "first");
  EXPECT_EQ(got_.item().attributes().at("price").double_value(), 2.5);
  EXPECT_EQ(got_.item().sequence(), 1u);
  EXPECT_EQ(got_.item().image(), "");
  ASSERT_TRUE(GetItem("one", /*include_image=*/true).ok());
  EXPECT_EQ(got_.item().image(), PictureOf(1));
}

TEST_F(CatalogServiceTest, AMissingItemIsNotFoundWithAndWithoutItsImage) {
  for (const bool include_image : {false, true}) {
    const grpc::Status status = GetItem("nobody", include_image);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(ReasonOf(status), "ITEM_NOT_FOUND");
  }
}

TEST_F(CatalogServiceTest, OneBadItemStoresNoneAndIsNamed) {
  v1::UpsertItemsRequest request;
  AddItem(request, "good", 1);
  AddItem(request, "bad", 2);
  (*request.mutable_items(1)->mutable_attributes())["price"];
  v1::UpsertItemsResponse response;
  const grpc::Status status = Call(&v1::CatalogService::Stub::UpsertItems, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "INVALID_ATTRIBUTE");
  EXPECT_EQ(FieldOf(status), "items[1].attributes[price]");
  EXPECT_EQ(Count(), 0);
}

TEST_F(CatalogServiceTest, DeletionTellsWhatWasMissing) {
  Fill();
  v1::DeleteItemsRequest request;
  request.add_ids("one");
  request.add_ids("nobody");
  v1::DeleteItemsResponse response;
  ASSERT_TRUE(Call(&v1::CatalogService::Stub::DeleteItems, request, &response).ok());
  EXPECT_EQ(response.deleted_count(), 1);
  EXPECT_THAT(response.missing_ids(), ElementsAre("nobody"));
  EXPECT_EQ(Count(), 1);
}

TEST_F(CatalogServiceTest, PagesListEveryItemOnce) {
  Fill();
  v1::ListItemsRequest request;
  request.set_page_size(1);
  std::vector<std::string> ids;
  do {
    v1::ListItemsResponse response;
    ASSERT_TRUE(Call(&v1::CatalogService::Stub::ListItems, request, &response).ok());
    ASSERT_LE(response.items_size(), 1);
    for (const v1::Item& item : response.items()) {
      ids.push_back(item.id());
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, UnorderedElementsAre("one", "two"));
}

}  // namespace
}  // namespace semblance::service
