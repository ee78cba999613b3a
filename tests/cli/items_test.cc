#include <nlohmann/json.hpp>
#include <string>

#include "common/file.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::RichStatus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ItemsTest : public CommandFixture {
 protected:
  static v1::Item SomeItem() {
    v1::Item item;
    item.set_id("a.jpg");
    item.set_label("shoe");
    item.set_sequence(3);
    item.mutable_update_time()->set_seconds(1'700'000'000);
    return item;
  }
};

TEST_F(ItemsTest, ItemsAreListedAPageAtATime) {
  v1::ListItemsResponse response;
  *response.add_items() = SomeItem();
  response.set_next_page_token("next");
  server_.list_items.AnswerWith(response);
  EXPECT_EQ(Run({"items", "list", "--page_size=1", "--page_token=this"}), kExitDone);
  EXPECT_EQ(server_.list_items.last_request.page_size(), 1);
  EXPECT_EQ(server_.list_items.last_request.page_token(), "this");
  EXPECT_EQ(out_,
            "item   label  sequence  updated\n"
            "a.jpg  shoe          3  2023-11-14T22:13:20+00:00\n"
            "\nThere are more: --page_token=next\n");
}

TEST_F(ItemsTest, AnItemsImageGoesToAFile) {
  v1::GetItemResponse response;
  *response.mutable_item() = SomeItem();
  response.mutable_item()->set_image("the bytes");
  server_.get_item.AnswerWith(response);
  EXPECT_EQ(Run({"items", "get", "a.jpg", "--image_out=" + dir_.Join("out.jpg"), "--json"}), kExitDone);
  EXPECT_TRUE(server_.get_item.last_request.include_image());
  EXPECT_EQ(ReadFile(dir_.Join("out.jpg")).value_or("missing"), "the bytes");
  EXPECT_EQ(nlohmann::json::parse(out_)["item"]["image"], "");
}

TEST_F(ItemsTest, AnItemThatIsNotThereIsBadInput) {
  server_.get_item.FailWith(RichStatus(grpc::StatusCode::NOT_FOUND, "there is no item \"x\"", "ITEM_NOT_FOUND"));
  EXPECT_EQ(Run({"items", "get", "x"}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("ITEM_NOT_FOUND"));
  EXPECT_FALSE(server_.get_item.last_request.include_image());
}

TEST_F(ItemsTest, ItemsAreDeletedAndTheMissingNamed) {
  v1::DeleteItemsResponse response;
  response.set_deleted_count(1);
  response.add_missing_ids("b");
  server_.delete_items.AnswerWith(response);
  EXPECT_EQ(Run({"items", "delete", "a", "b"}), kExitDone);
  EXPECT_THAT(server_.delete_items.last_request.ids(), ElementsAre("a", "b"));
  EXPECT_EQ(out_, "1 deleted; not there: b\n");
}

TEST_F(ItemsTest, ItemsAreCounted) {
  v1::CountItemsResponse response;
  response.set_count(42);
  server_.count_items.AnswerWith(response);
  EXPECT_EQ(Run({"items", "count"}), kExitDone);
  EXPECT_EQ(out_, "42 items\n");
}

TEST_F(ItemsTest, AnImageThatCannotBeWrittenIsBadInput) {
  EXPECT_EQ(Run({"items", "get", "a.jpg", "--image_out", dir_.Join("missing/out.jpg")}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("missing/out.jpg"));
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(ItemsTest, EveryCommandHasHelpWithExamples) {
  for (const std::string command : {"list", "get", "delete", "count"}) {
    EXPECT_EQ(RunAlone({"items", command, "--help"}), kExitDone);
    EXPECT_THAT(out_, HasSubstr("Usage: semblance items " + command));
    EXPECT_THAT(out_, HasSubstr("Examples:\n  semblance items " + command));
  }
}

}  // namespace
}  // namespace semblance::cli
