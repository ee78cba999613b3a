#include "cli/commands.h"

#include <nlohmann/json.hpp>
#include <string>

#include "common/file.h"
#include "common/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::RichStatus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CommandsTest : public CommandFixture {
 protected:
  static void SetProvenance(v1::Provenance& provenance) {
    provenance.set_generation("gen-000001");
    provenance.set_model("shoes");
    provenance.set_embedding_space_id("sha256:ab");
    provenance.set_applied_sequence(7);
  }

  static v1::Item SomeItem() {
    v1::Item item;
    item.set_id("a.jpg");
    item.set_label("shoe");
    item.set_sequence(3);
    item.mutable_update_time()->set_seconds(1'700'000'000);
    return item;
  }
};

TEST_F(CommandsTest, TheProgramShowsItsHelp) {
  EXPECT_EQ(RunAlone({"--help"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("Usage: semblance COMMAND"));
  EXPECT_EQ(RunAlone({}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("Usage: semblance COMMAND"));
}

TEST_F(CommandsTest, EveryCommandHasHelpWithExamples) {
  for (const char* command : {"ingest", "search", "embed", "items", "models", "generations", "train", "jobs", "status"}) {
    EXPECT_EQ(RunAlone({command, "--help"}), kExitDone);
    EXPECT_THAT(out_, HasSubstr(std::string("semblance ") + command));
    EXPECT_THAT(out_, HasSubstr("--server"));
    EXPECT_THAT(out_, HasSubstr("Examples:"));
  }
}

TEST_F(CommandsTest, WrongUsageIsToldFromOtherErrors) {
  EXPECT_EQ(RunAlone({"serach"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("serach"));
  for (const Arguments& args : {Arguments{"search"},
                                {"search", "a", "b"},
                                {"search", "a", "--item=b"},
                                {"search", "a", "--tpo_k=1"},
                                {"search", "a", "--top_k=many"},
                                {"embed"},
                                {"items"},
                                {"items", "get"},
                                {"items", "delete"},
                                {"items", "count", "x"},
                                {"status", "x"},
                                {"ingest"},
                                {"ingest", "x", "--split=half"}}) {
    EXPECT_EQ(Run(args), kExitUsage) << err_;
    EXPECT_THAT(err_, Not(IsEmpty()));
    EXPECT_THAT(out_, IsEmpty());
  }
}

TEST_F(CommandsTest, StatusIsATableForPeople) {
  v1::GetServerInfoResponse info;
  info.set_state(v1::SERVER_STATE_NO_MODEL);
  info.set_state_reason("give --model");
  info.set_version("0.1.0");
  info.set_item_count(12);
  server_.get_server_info.AnswerWith(info);
  EXPECT_EQ(Run({"status"}), kExitDone);
  EXPECT_EQ(out_,
            "state    no_model\n"
            "because  give --model\n"
            "version  0.1.0\n"
            "items    12\n");
}

TEST_F(CommandsTest, StatusShowsTheRecallOnceItWasProbed) {
  v1::GetServerInfoResponse info;
  info.mutable_recall_probe()->set_probe_count(0);
  server_.get_server_info.AnswerWith(info);
  EXPECT_EQ(Run({"status"}), kExitDone);
  EXPECT_THAT(out_, Not(HasSubstr("recall")));
  info.mutable_recall_probe()->set_probe_count(12);
  info.mutable_recall_probe()->set_recall(0.9875);
  server_.get_server_info.AnswerWith(info);
  EXPECT_EQ(Run({"status"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("0.9875 (12 queries probed)"));
}

TEST_F(CommandsTest, StatusIsOneDocumentForPrograms) {
  v1::GetServerInfoResponse info;
  info.set_state(v1::SERVER_STATE_SERVING);
  SetProvenance(*info.mutable_provenance());
  server_.get_server_info.AnswerWith(info);
  EXPECT_EQ(Run({"status", "--json"}), kExitDone);
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json["state"], "SERVER_STATE_SERVING");
  EXPECT_EQ(json["item_count"], "0");
  EXPECT_EQ(json["provenance"]["generation"], "gen-000001");
}

TEST_F(CommandsTest, AServerThatCannotBeReachedIsTransient) {
  // Port 1 is reserved, and nothing listens there.
  EXPECT_EQ(RunAlone({"status", "--server=127.0.0.1:1"}), kExitTransient);
  EXPECT_THAT(err_, HasSubstr("is a server listening on 127.0.0.1:1?"));
}

TEST_F(CommandsTest, SearchSendsTheImageAndPrintsTheNeighbors) {
  v1::SearchResponse response;
  v1::Neighbor& first = *response.mutable_result()->add_neighbors();
  first.set_item_id("shoes/1.jpg");
  first.set_score(0.75F);
  first.set_label("shoe");
  v1::Neighbor& second = *response.mutable_result()->add_neighbors();
  second.set_item_id("x");
  second.set_score(-0.5F);
  SetProvenance(*response.mutable_provenance());
  server_.search.AnswerWith(response);

  EXPECT_EQ(Run({"search", MakeFile("query.jpg", "bytes"), "--top_k=2", "--exclude=a,b"}), kExitDone);
  EXPECT_EQ(out_,
            "rank  item           score  label\n"
            "   1  shoes/1.jpg   0.7500  shoe\n"
            "   2  x            -0.5000  -\n"
            "\nGeneration gen-000001 of model shoes, applied sequence 7\n");
  const v1::SearchRequest& request = server_.search.last_request;
  EXPECT_EQ(request.query().image(), "bytes");
  EXPECT_EQ(request.top_k(), 2);
  EXPECT_THAT(request.exclude_item_ids(), ElementsAre("a", "b"));
}

TEST_F(CommandsTest, SearchByItemNeedsNoImage) {
  EXPECT_EQ(Run({"search", "--item=shoes/1.jpg", "--json"}), kExitDone);
  EXPECT_EQ(server_.search.last_request.query().item_id(), "shoes/1.jpg");
  EXPECT_EQ(server_.search.last_request.top_k(), 10);
  EXPECT_TRUE(nlohmann::json::parse(out_).is_object());
}

TEST_F(CommandsTest, AMissingImageIsBadInput) {
  EXPECT_EQ(Run({"search", dir_.Join("missing.jpg")}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("missing.jpg"));
  EXPECT_EQ(Run({"embed", dir_.Join("missing.jpg")}), kExitBadInput);
}

TEST_F(CommandsTest, AnErrorNamesTheFieldAndTheReason) {
  server_.search.FailWith(RichStatus(grpc::StatusCode::INVALID_ARGUMENT, "not an image", "UNSUPPORTED_MEDIA", "query.image"));
  EXPECT_EQ(Run({"search", MakeFile("query.jpg", "bytes")}), kExitBadInput);
  EXPECT_EQ(err_, "semblance: INVALID_ARGUMENT: not an image (field query.image, reason UNSUPPORTED_MEDIA)\n");
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(CommandsTest, EmbedShowsTheBeginningOfEveryVector) {
  v1::EmbedImagesResponse response;
  for (int image = 0; image < 2; ++image) {
    v1::Embedding& embedding = *response.add_embeddings();
    for (int i = 0; i < 8; ++i) {
      embedding.add_values(0.125F * static_cast<float>(i));
    }
  }
  SetProvenance(*response.mutable_provenance());
  server_.embed_images.AnswerWith(response);
  const std::string a = MakeFile("a.jpg", "1");
  const std::string b = MakeFile("b.jpg", "2");
  EXPECT_EQ(Run({"embed", a, b}), kExitDone);
  EXPECT_THAT(server_.embed_images.last_request.images(), ElementsAre("1", "2"));
  EXPECT_THAT(out_, HasSubstr(a + "          8  +0.000 +0.125 +0.250 +0.375 +0.500 +0.625 ...\n"));
  EXPECT_THAT(out_, HasSubstr("Space sha256:ab"));
}

TEST_F(CommandsTest, ItemsAreListedAPageAtATime) {
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

TEST_F(CommandsTest, AnItemsImageGoesToAFile) {
  v1::GetItemResponse response;
  *response.mutable_item() = SomeItem();
  response.mutable_item()->set_image("the bytes");
  server_.get_item.AnswerWith(response);
  EXPECT_EQ(Run({"items", "get", "a.jpg", "--image_out=" + dir_.Join("out.jpg"), "--json"}), kExitDone);
  EXPECT_TRUE(server_.get_item.last_request.include_image());
  EXPECT_EQ(ReadFile(dir_.Join("out.jpg")).value_or("missing"), "the bytes");
  EXPECT_EQ(nlohmann::json::parse(out_)["item"]["image"], "");
}

TEST_F(CommandsTest, AnItemThatIsNotThereIsBadInput) {
  server_.get_item.FailWith(RichStatus(grpc::StatusCode::NOT_FOUND, "there is no item \"x\"", "ITEM_NOT_FOUND"));
  EXPECT_EQ(Run({"items", "get", "x"}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("ITEM_NOT_FOUND"));
  EXPECT_FALSE(server_.get_item.last_request.include_image());
}

TEST_F(CommandsTest, ItemsAreDeletedAndTheMissingNamed) {
  v1::DeleteItemsResponse response;
  response.set_deleted_count(1);
  response.add_missing_ids("b");
  server_.delete_items.AnswerWith(response);
  EXPECT_EQ(Run({"items", "delete", "a", "b"}), kExitDone);
  EXPECT_THAT(server_.delete_items.last_request.ids(), ElementsAre("a", "b"));
  EXPECT_EQ(out_, "1 deleted; not there: b\n");
}

TEST_F(CommandsTest, ItemsAreCounted) {
  v1::CountItemsResponse response;
  response.set_count(42);
  server_.count_items.AnswerWith(response);
  EXPECT_EQ(Run({"items", "count"}), kExitDone);
  EXPECT_EQ(out_, "42 items\n");
}

}  // namespace
}  // namespace semblance::cli
