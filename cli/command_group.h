// Commands below a command, such as `semblance generations list`. Each has flags, help and examples of its own.
//
// Not thread-safe.
#ifndef SEMBLANCE_CLI_COMMAND_GROUP_H_
#define SEMBLANCE_CLI_COMMAND_GROUP_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/commands.h"

namespace semblance::cli {

struct GroupedCommand {
  absl::string_view name;
  // The arguments that it takes besides flags, for the group's help.
  absl::string_view arguments;
  absl::string_view summary;
  int (*run)(const Arguments&, const Streams&);
};

struct CommandGroup {
  // "semblance generations".
  absl::string_view name;
  absl::string_view summary;
  absl::Span<const GroupedCommand> commands;
  // Lines for the group's help.
  absl::Span<const absl::string_view> examples;
};

// Runs the command that the first argument without a dash names, and passes it all other arguments. Without such an argument,
// --help prints the group's help and --version the version. Flags may come before the command; there, only the flags that every
// command has may have their value as the next argument ("--server HOST:PORT"). Returns the exit code.
int RunGroup(const CommandGroup& group, const Arguments& args, const Streams& streams);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_COMMAND_GROUP_H_
