#include <nlohmann/json.hpp>
#include <string>

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

class SearchTest : public CommandFixture {
 protected:
  static void SetProvenance(v1::Provenance& provenance) {
    provenance.set_generation("gen-000001");
    provenance.set_model("shoes");
    provenance.set_embedding_space_id("sha256:ab");
    provenance.set_applied_sequence(7);
  }
};

TEST_F(SearchTest, SearchSendsTheImageAndPrintsTheNeighbors) {
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

TEST_F(SearchTest, SearchByItemNeedsNoImage) {
  EXPECT_EQ(Run({"search", "--item=shoes/1.jpg", "--json"}), kExitDone);
  EXPECT_EQ(server_.search.last_request.query().item_id(), "shoes/1.jpg");
  EXPECT_EQ(server_.search.last_request.top_k(), 10);
  EXPECT_TRUE(nlohmann::json::parse(out_).is_object());
}

TEST_F(SearchTest, AMissingImageIsBadInput) {
  EXPECT_EQ(Run({"search", dir_.Join("missing.jpg")}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("missing.jpg"));
}

TEST_F(SearchTest, AnErrorNamesTheFieldAndTheReason) {
  server_.search.FailWith(RichStatus(grpc::StatusCode::INVALID_ARGUMENT, "not an image", "UNSUPPORTED_MEDIA", "query.image"));
  EXPECT_EQ(Run({"search", MakeFile("query.jpg", "bytes")}), kExitBadInput);
  EXPECT_EQ(err_, "semblance: INVALID_ARGUMENT: not an image (field query.image, reason UNSUPPORTED_MEDIA)\n");
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(SearchTest, AsksForAttributesOnRequest) {
  EXPECT_EQ(Run({"search", "--item", "shoes/1.jpg", "--attributes"}), kExitDone);
  EXPECT_TRUE(server_.search.last_request.include_attributes());
}

}  // namespace
}  // namespace semblance::cli
