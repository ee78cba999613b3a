#include "cli/command_group.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/client/session.h"
#include "cli/text/table.h"
#include "common/program/process.h"
#include "common/program/spelling.h"
#include "common/program/version.h"

namespace semblance::cli {
namespace {

void PrintHelp(const CommandGroup& group, std::ostream& out) {
  out << group.summary << "\n\nUsage: " << group.name << " COMMAND [FLAGS] [ARGUMENTS]\n\nCommands:\n";
  Table table({});
  for (const GroupedCommand& command : group.commands) {
    table.AddRow(
        {absl::StrCat("  ", command.name, command.arguments.empty() ? "" : " ", command.arguments), std::string(command.summary)});
  }
  out << table << "\nEvery command takes --server=HOST:PORT, --json, --timeout_seconds=N and --help, which shows its flags.\n\n"
      << "Examples:\n";
  for (const absl::string_view example : group.examples) {
    out << "  " << example << "\n";
  }
}

// The first argument that is neither a flag nor the value of one.
Arguments::const_iterator FindCommand(const Arguments& args) {
  for (auto arg = args.begin(); arg != args.end(); ++arg) {
    if (!absl::StartsWith(*arg, "-")) {
      return arg;
    }
    if (Session::IsFlagBeforeItsValue(*arg) && arg + 1 != args.end()) {
      ++arg;
    }
  }
  return args.end();
}

bool Contains(const Arguments& args, absl::string_view flag) {
  return std::find(args.begin(), args.end(), flag) != args.end();
}

int RunWithoutCommand(const CommandGroup& group, const Arguments& args, const Streams& streams) {
  if (Contains(args, "--version")) {
    streams.out << "semblance " << Version() << "\n";
    return kExitDone;
  }
  const bool asked = Contains(args, "--help") || Contains(args, "-h");
  PrintHelp(group, asked ? streams.out : streams.err);
  return asked ? kExitDone : kExitUsage;
}

int FailUnknown(const CommandGroup& group, const std::string& name, const Streams& streams) {
  std::vector<std::string> names;
  for (const GroupedCommand& command : group.commands) {
    names.emplace_back(command.name);
  }
  const std::optional<std::string> meant = ClosestSpelling(name, names);
  streams.err << "semblance: there is no command \"" << group.name << " " << name << "\"; "
              << (meant.has_value() ? absl::StrCat("did you mean \"", group.name, " ", *meant, "\"?")
                                    : absl::StrCat("there are ", absl::StrJoin(names, ", "), "."))
              << " See " << group.name << " --help\n";
  return kExitUsage;
}

}  // namespace

int RunGroup(const CommandGroup& group, const Arguments& args, const Streams& streams) {
  const auto name = FindCommand(args);
  if (name == args.end()) {
    return RunWithoutCommand(group, args, streams);
  }
  const auto* command =
      std::find_if(group.commands.begin(), group.commands.end(), [&](const GroupedCommand& one) { return one.name == *name; });
  if (command == group.commands.end()) {
    return FailUnknown(group, *name, streams);
  }
  Arguments rest(args.begin(), name);
  rest.insert(rest.end(), name + 1, args.end());
  return command->run(rest, streams);
}

}  // namespace semblance::cli
