#include <string>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EmbedTest : public CommandFixture {
 protected:
  static void SetProvenance(v1::Provenance& provenance) {
    provenance.set_generation("gen-000001");
    provenance.set_model("shoes");
    provenance.set_embedding_space_id("sha256:ab");
    provenance.set_applied_sequence(7);
  }
};

TEST_F(EmbedTest, EmbedShowsTheBeginningOfEveryVector) {
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

TEST_F(EmbedTest, AMissingImageIsBadInput) {
  EXPECT_EQ(Run({"embed", dir_.Join("missing.jpg")}), kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("missing.jpg"));
}

}  // namespace
}  // namespace semblance::cli
