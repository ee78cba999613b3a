#include "cli/command_group.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/text/table.h"
#include "common/process.h"

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

}  // namespace

int RunGroup(const CommandGroup& group, const Arguments& args, const Streams& streams) {
  const auto name = std::find_if(args.begin(), args.end(), [](const std::string& arg) { return !absl::StartsWith(arg, "-"); });
  if (name == args.end()) {
    const bool asked = std::any_of(args.begin(), args.end(), [](const std::string& arg) { return arg == "--help" || arg == "-h"; });
    PrintHelp(group, asked ? streams.out : streams.err);
    return asked ? kExitDone : kExitUsage;
  }
  const auto* command =
      std::find_if(group.commands.begin(), group.commands.end(), [&](const GroupedCommand& one) { return one.name == *name; });
  if (command == group.commands.end()) {
    const std::string names =
        absl::StrJoin(group.commands, ", ", [](std::string* out, const GroupedCommand& one) { absl::StrAppend(out, one.name); });
    streams.err << "semblance: \"" << *name << "\" is none of " << names << "; see " << group.name << " --help\n";
    return kExitUsage;
  }
  Arguments rest(args.begin(), name);
  rest.insert(rest.end(), name + 1, args.end());
  return command->run(rest, streams);
}

}  // namespace semblance::cli
