#include "common/program/command_line.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/program/version.h"
#include "tests/testing/status_matchers.h"

namespace semblance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::StatusMessage;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() : command_("finder", "IMAGE", "Finds things.") {
    command_.AddFlag("top_k", "N", "how many", &top_k_);
    command_.AddFlag("server", "ADDRESS", "where", &server_);
    command_.AddFlag("share", "X", "a share", &share_);
    command_.AddFlag("json", "for programs", &json_);
    command_.AddRepeatedFlag("set", "FIELD=VALUE", "changes a field", &sets_);
    command_.AddExample("finder shoe.jpg");
  }

  CommandLine command_;
  int top_k_ = 10;
  std::string server_ = "localhost:1";
  double share_ = 0.5;
  bool json_ = false;
  std::vector<std::string> sets_;
};

TEST_F(CommandLineTest, SetsFlagsAndReturnsArguments) {
  ASSERT_OK_AND_ASSIGN(const auto arguments,
                       command_.Parse({"a.png", "--top_k=3", "--json", "--share=0.25", "--server=h:2", "b.png"}));
  EXPECT_THAT(arguments, ElementsAre("a.png", "b.png"));
  EXPECT_EQ(top_k_, 3);
  EXPECT_EQ(share_, 0.25);
  EXPECT_EQ(server_, "h:2");
  EXPECT_TRUE(json_);
}

TEST_F(CommandLineTest, AValueMayBeTheNextArgument) {
  ASSERT_OK_AND_ASSIGN(const auto arguments,
                       command_.Parse({"--top_k", "-3", "a.png", "--json", "b.png", "--share", "0.25", "--server", "h:2"}));
  EXPECT_THAT(arguments, ElementsAre("a.png", "b.png"));
  EXPECT_EQ(top_k_, -3);
  EXPECT_EQ(share_, 0.25);
  EXPECT_EQ(server_, "h:2");
  EXPECT_TRUE(json_);
}

TEST_F(CommandLineTest, AFlagIsNotTheValueOfAnother) {
  EXPECT_THAT(command_.Parse({"--server", "--json"}).status(), StatusMessage(HasSubstr("--server needs a value")));
  EXPECT_FALSE(json_);
  ASSERT_TRUE(command_.Parse({"--server=--json"}).ok());
  EXPECT_EQ(server_, "--json");
}

TEST_F(CommandLineTest, AnEmptyValueDoesNotTakeTheNextArgument) {
  ASSERT_OK_AND_ASSIGN(const auto arguments, command_.Parse({"--set=", "b.png"}));
  EXPECT_THAT(sets_, ElementsAre(""));
  EXPECT_THAT(arguments, ElementsAre("b.png"));
}

TEST_F(CommandLineTest, RepeatedFlagsTakeTheirValueEitherWay) {
  ASSERT_TRUE(command_.Parse({"--set=a=1", "--set", "b.c=2"}).ok());
  EXPECT_THAT(sets_, ElementsAre("a=1", "b.c=2"));
}

TEST_F(CommandLineTest, TwoDashesEndTheFlags) {
  ASSERT_OK_AND_ASSIGN(const auto arguments, command_.Parse({"--", "--json", "-"}));
  EXPECT_THAT(arguments, ElementsAre("--json", "-"));
  EXPECT_FALSE(json_);
}

TEST_F(CommandLineTest, SaysWhatIsWrong) {
  const auto error = [this](const std::vector<std::string>& args) { return command_.Parse(args).status(); };
  EXPECT_THAT(error({"--tpo_k=3"}), AllOf(StatusIs(absl::StatusCode::kInvalidArgument), StatusMessage(HasSubstr("--tpo_k=3"))));
  EXPECT_THAT(error({"--top_k=three"}), StatusMessage(HasSubstr("--top_k")));
  EXPECT_THAT(error({"--top_k="}), StatusMessage(HasSubstr("--top_k")));
  EXPECT_THAT(error({"--top_k=99999999999"}), StatusMessage(HasSubstr("--top_k")));
  EXPECT_THAT(error({"--server"}), StatusMessage(HasSubstr("--server")));
  EXPECT_THAT(error({"--json=perhaps"}), StatusMessage(HasSubstr("--json")));
  EXPECT_THAT(error({"--set"}), StatusMessage(HasSubstr("--set")));
}

TEST_F(CommandLineTest, NamesTheFlagThatWasProbablyMeant) {
  const auto error = [this](const std::string& arg) { return std::string(command_.Parse({arg}).status().message()); };
  EXPECT_EQ(error("--tpo_k=3"), "there is no flag --tpo_k=3; did you mean --top_k? See finder --help");
  EXPECT_EQ(error("--servr"), "there is no flag --servr; did you mean --server? See finder --help");
  EXPECT_EQ(error("--versoin"), "there is no flag --versoin; did you mean --version? See finder --help");
  EXPECT_EQ(error("-json"), "there is no flag -json; did you mean --json? See finder --help");
  EXPECT_EQ(error("--colour=red"), "there is no flag --colour=red; see finder --help");
}

TEST_F(CommandLineTest, TheVersionIsThatOfTheProgram) {
  ASSERT_TRUE(command_.Parse({"--version", "--nonsense"}).ok());
  EXPECT_EQ(command_.requested_text(), absl::StrCat("finder ", Version(), "\n"));
  CommandLine sub_command("finder list", "", "Lists.");
  ASSERT_TRUE(sub_command.Parse({"--version"}).ok());
  EXPECT_EQ(sub_command.requested_text(), command_.requested_text());
}

TEST_F(CommandLineTest, RefusesArgumentsWhereThereAreNone) {
  CommandLine command("stopper", "", "Stops.");
  EXPECT_THAT(command.Parse({"now"}).status(), StatusMessage(HasSubstr("now")));
}

TEST_F(CommandLineTest, HelpShowsFlagsDefaultsAndExamples) {
  ASSERT_TRUE(command_.Parse({"--help", "--nonsense"}).ok());
  const std::string help = command_.requested_text();
  EXPECT_EQ(help, command_.Help());
  for (const char* const expected :
       {"Finds things.", "finder", "IMAGE", "--top_k", "10", "--json", "for programs", "finder shoe.jpg"}) {
    EXPECT_THAT(help, HasSubstr(expected));
  }
}

}  // namespace
}  // namespace semblance
