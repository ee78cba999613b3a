#include "cli/client/compare.h"

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"
#include "tests/cli/generation_messages.h"
#include "tests/testing/status_matchers.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::MakeGeneration;
using ::semblance::testing::RichStatus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string Jpeg(const std::string& id) {
  return "\xFF\xD8\xFF" + id;
}

// The items item-00 to item-09 have the labels even and odd in turn. For every query, gen-000001 finds item-00 and item-01, and
// gen-000002 finds item-00 and item-02.
class CompareTest : public CommandFixture {
 protected:
  CompareTest() {
    v1::GetServerInfoResponse info;
    info.set_item_count(10);
    info.mutable_limits()->set_max_page_size(4);
    server_.get_server_info.AnswerWith(info);
    server_.generations.get.answer = [](const v1::GetGenerationRequest& request, v1::GetGenerationResponse* response) {
      *response->mutable_generation() = MakeGeneration(request.generation(), v1::GENERATION_STATE_READY);
      return grpc::Status::OK;
    };
    server_.list_items.answer = [](const v1::ListItemsRequest& request, v1::ListItemsResponse* response) {
      const int begin = request.page_token().empty() ? 0 : std::stoi(request.page_token());
      for (int i = begin; i < std::min(begin + request.page_size(), 10); ++i) {
        *response->add_items() = MakeItem(i);
      }
      if (begin + request.page_size() < 10) {
        response->set_next_page_token(absl::StrCat(begin + request.page_size()));
      }
      return grpc::Status::OK;
    };
    server_.get_item.answer = [this](const v1::GetItemRequest& request, v1::GetItemResponse* response) {
      ++images_asked_[request.id()];
      EXPECT_TRUE(request.include_image());
      response->mutable_item()->set_image(Jpeg(request.id()));
      return grpc::Status::OK;
    };
    server_.search.answer = [this](const v1::SearchRequest& request, v1::SearchResponse* response) {
      searches_.push_back(request);
      AddNeighbor(0, response);
      AddNeighbor(request.generation() == "gen-000001" ? 1 : 2, response);
      response->mutable_provenance()->set_generation(request.generation());
      return grpc::Status::OK;
    };
  }

  static v1::Item MakeItem(int index) {
    v1::Item item;
    item.set_id(absl::StrCat("item-0", index));
    item.set_label(index % 2 == 0 ? "even" : "odd");
    return item;
  }

  static void AddNeighbor(int index, v1::SearchResponse* response) {
    v1::Neighbor& neighbor = *response->mutable_result()->add_neighbors();
    neighbor.set_item_id(MakeItem(index).id());
    neighbor.set_label(MakeItem(index).label());
    neighbor.set_score(0.5F);
  }

  int RunCompare(Arguments more = {}) {
    Arguments args = {"generations", "compare", "gen-000001", "gen-000002", "--out=" + page_};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  }

  // Returns the query items of the searches in gen-000001.
  std::vector<std::string> ItemsAsked() const {
    std::vector<std::string> ids;
    for (const v1::SearchRequest& search : searches_) {
      if (search.generation() == "gen-000001") {
        ids.push_back(search.query().item_id());
      }
    }
    return ids;
  }

  const std::string page_ = dir_.Join("compare.html");
  std::vector<v1::SearchRequest> searches_;
  std::map<std::string, int> images_asked_;
};

TEST_F(CompareTest, AsksBothGenerationsForItemsEvenlyChosen) {
  EXPECT_EQ(RunCompare({"--count=3", "--top_k=2"}), kExitDone);
  EXPECT_THAT(ItemsAsked(), ElementsAre("item-01", "item-05", "item-08"));
  ASSERT_EQ(searches_.size(), 6);
  EXPECT_EQ(searches_[1].generation(), "gen-000002");
  EXPECT_EQ(searches_[1].query().item_id(), "item-01");
  EXPECT_EQ(searches_[1].top_k(), 2);
  EXPECT_EQ(server_.list_items.last_request.page_size(), 4);
}

TEST_F(CompareTest, SmallCatalogsAreAskedInFull) {
  EXPECT_EQ(RunCompare({"--count=100"}), kExitDone);
  EXPECT_EQ(ItemsAsked().size(), 10);
}

TEST_F(CompareTest, SaysTheNumbers) {
  // The queries are item-02 and item-07. One of the two neighbors is in both answers. item-00 is even, like item-02 and unlike
  // item-01.
  EXPECT_EQ(RunCompare({"--count=2", "--top_k=2"}), kExitDone);
  EXPECT_EQ(out_, absl::StrCat("generation  model    label precision@2\n"
                               "gen-000001  shoes/1             0.5000\n"
                               "gen-000002  shoes/2             0.5000\n"
                               "\nMean overlap@2: 0.5000 over 2 queries. The page is ",
                               page_, "\n"));
  EXPECT_EQ(RunCompare({"--count=2", "--top_k=2", "--json"}), kExitDone);
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json["mean_overlap"], 0.5);
  EXPECT_EQ(json["generations"][1]["id"], "gen-000002");
  // The precisions are 0.5 and 1 for item-02, and 0.5 and 0 for item-07. The differences are equal, so the order is that of the
  // catalog.
  EXPECT_EQ(json["queries"][0]["name"], "item-02");
  EXPECT_EQ(json["queries"][0]["label_precision"], nlohmann::json({0.5, 1.0}));
  EXPECT_EQ(json["queries"][1]["label_precision"], nlohmann::json({0.5, 0.0}));
}

TEST_F(CompareTest, FetchesEveryImageOnce) {
  EXPECT_EQ(RunCompare({"--count=2"}), kExitDone);
  EXPECT_THAT(images_asked_, UnorderedElementsAre(std::pair("item-00", 1), std::pair("item-01", 1), std::pair("item-02", 1),
                                                  std::pair("item-07", 1)));
  const std::string page = ReadFile(page_).value_or("");
  EXPECT_THAT(page, HasSubstr("<title>gen-000001 and gen-000002 side by side</title>"));
  EXPECT_THAT(page, HasSubstr("data:image/jpeg;base64,"));
}

TEST_F(CompareTest, AnImageThatIsGoneIsLeftOut) {
  server_.get_item.FailWith(RichStatus(grpc::StatusCode::NOT_FOUND, "no such item", "ITEM_NOT_FOUND"));
  EXPECT_EQ(RunCompare({"--count=2"}), kExitDone);
  EXPECT_THAT(ReadFile(page_).value_or(""), HasSubstr("no image"));
}

TEST_F(CompareTest, ImagesBeyondTheLimitAreLeftOut) {
  CommandLine command("x", "", "x");
  std::ostringstream printed;
  Session session(&command, {printed, printed});
  ASSERT_FALSE(session.Parse({"--server=" + server_.address()}).has_value());
  std::vector<ComparedQuery> queries(1);
  queries[0].name = "item-03";
  const auto size = static_cast<int64_t>(Jpeg("item-03").size());
  const CompareOptions options{.generations = {"gen-000001", "gen-000002"}, .top_k = 2, .max_image_bytes = 2 * size};
  Comparison comparison;
  ASSERT_TRUE(Compare(session, options, queries, &comparison).ok());
  EXPECT_EQ(comparison.images.size(), 2);
  EXPECT_EQ(comparison.images_without_room, 2);
}

TEST_F(CompareTest, FilesAndFoldersAreQueries) {
  MakeFile("photos/boots/1.jpg", Jpeg("boot"));
  MakeFile("photos/shoes/1.jpg", Jpeg("shoe"));
  const std::string file = MakeFile("one.jpg", Jpeg("one"));
  const std::string other = MakeFile("other.jpg", Jpeg("other"));
  EXPECT_EQ(RunCompare({"--queries=" + dir_.Join("photos"), "--queries", file, other}), kExitDone);
  std::vector<std::string> images;
  for (const v1::SearchRequest& search : searches_) {
    images.push_back(search.query().image());
  }
  EXPECT_THAT(images, ElementsAre(Jpeg("boot"), Jpeg("boot"), Jpeg("shoe"), Jpeg("shoe"), Jpeg("one"), Jpeg("one"), Jpeg("other"),
                                  Jpeg("other")));
  EXPECT_THAT(ReadFile(page_).value_or(""), HasSubstr("<div>boots</div>"));
}

TEST_F(CompareTest, ManyFilesAreEvenlyChosen) {
  Arguments flags = {"--count=2"};
  for (int i = 0; i < 8; ++i) {
    flags.push_back("--queries=" + MakeFile(absl::StrCat("query-", i, ".jpg"), Jpeg(absl::StrCat(i))));
  }
  EXPECT_EQ(RunCompare(flags), kExitDone);
  ASSERT_EQ(searches_.size(), 4);
  EXPECT_EQ(searches_[0].query().image(), Jpeg("2"));
  EXPECT_EQ(searches_[2].query().image(), Jpeg("6"));
}

TEST_F(CompareTest, AFileThatIsNoImageIsLeftOut) {
  server_.search.answer = [](const v1::SearchRequest& request, v1::SearchResponse* response) {
    if (request.query().image() == "text") {
      return RichStatus(grpc::StatusCode::INVALID_ARGUMENT, "not an image", "UNSUPPORTED_MEDIA", "query.image");
    }
    response->mutable_provenance()->set_generation(request.generation());
    return grpc::Status::OK;
  };
  const std::string bad = MakeFile("bad.jpg", "text");
  EXPECT_EQ(RunCompare({"--queries", bad, MakeFile("good.jpg", Jpeg("good"))}), kExitDone);
  EXPECT_EQ(err_, absl::StrCat("semblance: not asked: ", bad, ": not an image\n"));
  EXPECT_THAT(out_, HasSubstr("over 1 queries"));
  EXPECT_EQ(RunCompare({"--queries", bad}), kExitBadInput);
}

TEST_F(CompareTest, AMissingFileIsBadInput) {
  EXPECT_EQ(RunCompare({"--queries", dir_.Join("missing.jpg")}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("missing.jpg"));
  EXPECT_THAT(searches_, IsEmpty());
}

TEST_F(CompareTest, AGenerationThatIsNotLoadedIsAnError) {
  server_.search.FailWith(RichStatus(grpc::StatusCode::FAILED_PRECONDITION, "gen-000002 is embedding", "GENERATION_NOT_READY"));
  EXPECT_EQ(RunCompare(), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("GENERATION_NOT_READY"));
  EXPECT_FALSE(PathExists(page_));
}

// Otherwise the command would compare the active generation with itself.
TEST_F(CompareTest, AServerThatDoesNotKnowTheFieldIsFoundOut) {
  server_.search.answer = [](const v1::SearchRequest&, v1::SearchResponse* response) {
    response->mutable_provenance()->set_generation("gen-000001");
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunCompare(), kExitFailed);
  EXPECT_THAT(err_, HasSubstr("asked for an answer from gen-000002, the server answered from gen-000001"));
  EXPECT_FALSE(PathExists(page_));
}

TEST_F(CompareTest, AnEmptyCatalogCannotBeCompared) {
  server_.get_server_info.AnswerWith({});
  EXPECT_EQ(RunCompare(), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("the catalog is empty"));
}

}  // namespace
}  // namespace semblance::cli
