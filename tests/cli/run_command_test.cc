#include <string>

#include "common/program/process.h"
#include "common/program/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RunCommandTest : public CommandFixture {};

TEST_F(RunCommandTest, TheProgramShowsItsHelp) {
  EXPECT_EQ(RunAlone({"--help"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("Usage: semblance COMMAND"));
  EXPECT_EQ(RunAlone({}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("Usage: semblance COMMAND"));
}

TEST_F(RunCommandTest, EveryCommandHasHelpWithExamples) {
  for (const char* command : {"ingest", "search", "embed", "items", "models", "generations", "train", "jobs", "bench", "status"}) {
    EXPECT_EQ(RunAlone({command, "--help"}), kExitDone);
    EXPECT_THAT(out_, HasSubstr(std::string("semblance ") + command));
    EXPECT_THAT(out_, HasSubstr("--server"));
    EXPECT_THAT(out_, HasSubstr("Examples:"));
  }
}

TEST_F(RunCommandTest, WrongUsageIsToldFromOtherErrors) {
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
                                {"items", "list", "x"},
                                {"status", "x"},
                                {"ingest"},
                                {"ingest", "x", "--split=half"}}) {
    EXPECT_EQ(Run(args), kExitUsage) << err_;
    EXPECT_THAT(err_, Not(IsEmpty()));
    EXPECT_THAT(out_, IsEmpty());
  }
}

TEST_F(RunCommandTest, NamesTheCommandThatWasProbablyMeant) {
  EXPECT_EQ(RunAlone({"serach", "x.jpg"}), kExitUsage);
  EXPECT_EQ(err_, "semblance: there is no command \"semblance serach\"; did you mean \"semblance search\"? See semblance --help\n");
  EXPECT_EQ(RunAlone({"items", "dlete", "x"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("did you mean \"semblance items delete\"?"));
  EXPECT_EQ(RunAlone({"search", "--tpo_k", "3"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("did you mean --top_k?"));
}

TEST_F(RunCommandTest, PrintsItsVersion) {
  const std::string version = "semblance " + std::string(Version()) + "\n";
  for (const Arguments& args :
       {Arguments{"--version"}, {"search", "--version"}, {"models", "--version"}, {"models", "list", "--version"}}) {
    EXPECT_EQ(RunAlone(args), kExitDone);
    EXPECT_EQ(out_, version);
  }
}

}  // namespace
}  // namespace semblance::cli
