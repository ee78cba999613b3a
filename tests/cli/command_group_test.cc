#include "cli/command_group.h"

#include <array>
#include <sstream>
#include <string>

#include "absl/strings/str_join.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semblance::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

int PrintArguments(const Arguments& args, const Streams& streams) {
  streams.out << absl::StrJoin(args, "|");
  return 7;
}

int Fail(const Arguments& /*args*/, const Streams& /*streams*/) {
  return kExitFailed;
}

constexpr std::array<GroupedCommand, 2> kCommands = {{
    {"print", "THING...", "print the arguments", PrintArguments},
    {"list", "", "fail", Fail},
}};
constexpr std::array<absl::string_view, 1> kExamples = {"semblance tests print a b"};

class CommandGroupTest : public ::testing::Test {
 protected:
  int Run(const Arguments& args) {
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code =
        RunGroup({.name = "semblance tests", .summary = "Prints.", .commands = kCommands, .examples = kExamples}, args, {out, err});
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }

  std::string out_;
  std::string err_;
};

TEST_F(CommandGroupTest, RunsTheCommandWithAllOtherArguments) {
  EXPECT_EQ(Run({"print", "a", "--json", "b"}), 7);
  EXPECT_EQ(out_, "a|--json|b");
  EXPECT_EQ(Run({"list"}), kExitFailed);
}

TEST_F(CommandGroupTest, FlagsMayComeBeforeTheCommand) {
  EXPECT_EQ(Run({"--json", "--server=h:1", "print", "a"}), 7);
  EXPECT_EQ(out_, "--json|--server=h:1|a");
}

TEST_F(CommandGroupTest, TheValueOfACommonFlagIsNotTheCommand) {
  EXPECT_EQ(Run({"--server", "list", "--timeout_seconds", "5", "print", "a"}), 7);
  EXPECT_EQ(out_, "--server|list|--timeout_seconds|5|a");
}

TEST_F(CommandGroupTest, AFlagWithoutItsValueRunsNothing) {
  EXPECT_EQ(Run({"--server"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("Usage: semblance tests COMMAND"));
}

TEST_F(CommandGroupTest, HelpIsAskedForOrShownInPlaceOfACommand) {
  EXPECT_EQ(Run({"--help"}), kExitDone);
  EXPECT_EQ(out_,
            "Prints.\n\nUsage: semblance tests COMMAND [FLAGS] [ARGUMENTS]\n\nCommands:\n"
            "  print THING...  print the arguments\n"
            "  list            fail\n"
            "\nEvery command takes --server=HOST:PORT, --json, --timeout_seconds=N and --help, which shows its flags.\n"
            "\nExamples:\n  semblance tests print a b\n");
  const std::string help = out_;
  EXPECT_EQ(Run({}), kExitUsage);
  EXPECT_EQ(err_, help);
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(CommandGroupTest, AMisspeltCommandIsNotRun) {
  EXPECT_EQ(Run({"pritn", "list"}), kExitUsage);
  EXPECT_THAT(out_, IsEmpty());
  EXPECT_EQ(err_,
            "semblance: there is no command \"semblance tests pritn\"; did you mean \"semblance tests print\"? See semblance tests "
            "--help\n");
  EXPECT_EQ(Run({"frobnicate"}), kExitUsage);
  EXPECT_EQ(err_,
            "semblance: there is no command \"semblance tests frobnicate\"; there are print, list. See semblance tests --help\n");
}

}  // namespace
}  // namespace semblance::cli
