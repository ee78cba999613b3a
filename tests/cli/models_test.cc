#include <nlohmann/json.hpp>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::RichStatus;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ModelsTest : public CommandFixture {
 protected:
  static v1::Model SomeModel(int version) {
    v1::Model model;
    model.set_name("shoes");
    model.set_version(version);
    model.set_path("shoes/" + std::to_string(version));
    model.set_dimension(64);
    model.set_embedding_space_id("sha256:ab");
    model.mutable_create_time()->set_seconds(1'700'000'000);
    model.mutable_register_time()->set_seconds(1'700'000'060);
    return model;
  }
};

TEST_F(ModelsTest, AreListed) {
  v1::ListModelsResponse response;
  *response.add_models() = SomeModel(1);
  *response.add_models() = SomeModel(2);
  response.mutable_models(1)->add_aliases("champion");
  response.mutable_models(1)->add_aliases("candidate");
  server_.models.list_models.AnswerWith(response);
  EXPECT_EQ(Run({"models", "list"}), kExitDone);
  EXPECT_EQ(out_,
            "model    aliases              dimension  created                    path\n"
            "shoes/1  -                           64  2023-11-14T22:13:20+00:00  shoes/1\n"
            "shoes/2  champion, candidate         64  2023-11-14T22:13:20+00:00  shoes/2\n");
  EXPECT_EQ(server_.models.list_models.last_request.name(), "");
}

TEST_F(ModelsTest, TheVersionsOfOneAreADocumentForPrograms) {
  v1::ListModelsResponse response;
  *response.add_models() = SomeModel(1);
  server_.models.list_models.AnswerWith(response);
  EXPECT_EQ(Run({"models", "list", "shoes", "--json"}), kExitDone);
  EXPECT_EQ(server_.models.list_models.last_request.name(), "shoes");
  EXPECT_EQ(nlohmann::json::parse(out_)["models"][0]["version"], 1);
}

TEST_F(ModelsTest, OneIsShown) {
  v1::GetModelResponse response;
  *response.mutable_model() = SomeModel(3);
  response.mutable_model()->add_aliases("champion");
  server_.models.get_model.AnswerWith(response);
  EXPECT_EQ(Run({"models", "show", "shoes@champion"}), kExitDone);
  EXPECT_EQ(server_.models.get_model.last_request.model(), "shoes@champion");
  EXPECT_EQ(out_,
            "model            shoes/3\n"
            "aliases          champion\n"
            "dimension        64 components\n"
            "embedding space  sha256:ab\n"
            "path             shoes/3\n"
            "created          2023-11-14T22:13:20+00:00\n"
            "registered       2023-11-14T22:14:20+00:00\n");
}

TEST_F(ModelsTest, ABundleIsRegisteredOnce) {
  v1::RegisterModelResponse response;
  *response.mutable_model() = SomeModel(3);
  response.set_created(true);
  server_.models.register_model.AnswerWith(response);
  EXPECT_EQ(Run({"models", "register", "incoming/new"}), kExitDone);
  EXPECT_EQ(server_.models.register_model.last_request.path(), "incoming/new");
  EXPECT_EQ(out_, "shoes/3 is registered\n");
  response.set_created(false);
  server_.models.register_model.AnswerWith(response);
  EXPECT_EQ(Run({"models", "register", "incoming/new"}), kExitDone);
  EXPECT_EQ(out_, "shoes/3 was registered before\n");
}

TEST_F(ModelsTest, ABrokenBundleIsBadInput) {
  server_.models.register_model.FailWith(
      RichStatus(grpc::StatusCode::DATA_LOSS, "model.safetensors has another digest", "DIGEST_MISMATCH"));
  EXPECT_EQ(Run({"models", "register", "shoes/3"}), kExitBadInput);
  EXPECT_EQ(err_, "semblance: DATA_LOSS: model.safetensors has another digest (reason DIGEST_MISMATCH)\n");
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(ModelsTest, OneIsTakenOutOfTheRegister) {
  v1::DeleteModelResponse response;
  *response.mutable_model() = SomeModel(2);
  server_.models.delete_model.AnswerWith(response);
  EXPECT_EQ(Run({"models", "delete", "shoes/2"}), kExitDone);
  EXPECT_EQ(server_.models.delete_model.last_request.model(), "shoes/2");
  EXPECT_EQ(out_, "shoes/2 is out of the register; its files stay in shoes/2\n");
}

TEST_F(ModelsTest, AnAliasIsSet) {
  v1::SetModelAliasResponse response;
  *response.mutable_model() = SomeModel(3);
  server_.models.set_model_alias.AnswerWith(response);
  EXPECT_EQ(Run({"models", "alias", "shoes/3", "champion"}), kExitDone);
  const v1::SetModelAliasRequest& request = server_.models.set_model_alias.last_request;
  EXPECT_EQ(request.alias(), "champion");
  EXPECT_EQ(request.model(), "shoes/3");
  EXPECT_EQ(request.name(), "");
  EXPECT_EQ(out_, "shoes@champion is shoes/3\n");
}

TEST_F(ModelsTest, AnAliasIsRemovedFromAName) {
  EXPECT_EQ(Run({"models", "alias", "shoes", "candidate", "--remove"}), kExitDone);
  const v1::SetModelAliasRequest& request = server_.models.set_model_alias.last_request;
  EXPECT_EQ(request.alias(), "candidate");
  EXPECT_EQ(request.model(), "");
  EXPECT_EQ(request.name(), "shoes");
  EXPECT_EQ(out_, "shoes@candidate is removed\n");
  // The name could be the alias of another version.
  EXPECT_EQ(Run({"models", "alias", "shoes/3", "candidate", "--remove"}), kExitUsage);
}

TEST_F(ModelsTest, EveryCommandHasHelpWithExamples) {
  for (const std::string command : {"list", "show", "register", "delete", "alias"}) {
    EXPECT_EQ(RunAlone({"models", command, "--help"}), kExitDone);
    EXPECT_THAT(out_, HasSubstr("Usage: semblance models " + command));
    EXPECT_THAT(out_, HasSubstr("Examples:\n  semblance models " + command));
  }
}

TEST_F(ModelsTest, WrongUsageIsToldFromOtherErrors) {
  for (const Arguments& args : {Arguments{"models"},
                                {"models", "lst"},
                                {"models", "list", "a", "b"},
                                {"models", "show"},
                                {"models", "register"},
                                {"models", "delete"},
                                {"models", "alias", "shoes"}}) {
    EXPECT_EQ(Run(args), kExitUsage);
    EXPECT_NE(err_, "");
    EXPECT_THAT(out_, IsEmpty());
  }
}

TEST_F(ModelsTest, FlagsMayComeBeforeTheCommand) {
  EXPECT_EQ(RunAlone({"models", "--json", "--server=" + server_.address(), "list"}), kExitDone);
  EXPECT_TRUE(nlohmann::json::parse(out_).is_object());
}

}  // namespace
}  // namespace semblance::cli
