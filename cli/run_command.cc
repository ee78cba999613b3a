#include <algorithm>
#include <array>

#include "absl/strings/string_view.h"
#include "cli/commands.h"
#include "cli/text/table.h"
#include "common/process.h"

namespace semblance::cli {
namespace {

struct Command {
  absl::string_view name;
  absl::string_view summary;
  int (*run)(const Arguments&, const Streams&);
};

constexpr std::array<Command, 10> kCommands = {{
    {"ingest", "store the images of a folder or manifest as items", RunIngest},
    {"search", "find the items most similar to an image or an item", RunSearch},
    {"embed", "turn images into vectors", RunEmbed},
    {"items", "list, show, count or delete items", RunItems},
    {"models", "register models and name the champion", RunModels},
    {"generations", "build, watch, activate and compare generations", RunGenerations},
    {"train", "train a model as a job of the server, and follow it", RunTrain},
    {"jobs", "follow, cancel and resume training jobs", RunJobs},
    {"bench", "search under load, and report latencies and failures", RunBench},
    {"status", "what the server is doing and what it serves", RunStatus},
}};

void PrintHelp(std::ostream& out) {
  out << "Similarity search over your images: the command line of a semblance-server.\n\n"
         "Usage: semblance COMMAND [FLAGS] [ARGUMENTS]\n\nCommands:\n";
  Table table({});
  for (const Command& command : kCommands) {
    table.AddRow({"  " + std::string(command.name), std::string(command.summary)});
  }
  out << table
      << "\nEvery command takes --server=HOST:PORT, --json, --timeout_seconds=N and --help.\n\nExamples:\n"
         "  semblance ingest photos/ --server=127.0.0.1:50051\n"
         "  semblance search shoe.jpg --top_k=5\n"
         "  semblance status --json\n";
}

}  // namespace

int RunCommand(const Arguments& args, const Streams& streams) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    PrintHelp(args.empty() ? streams.err : streams.out);
    return args.empty() ? kExitUsage : kExitDone;
  }
  const auto* found =
      std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& command) { return command.name == args[0]; });
  if (found == kCommands.end()) {
    streams.err << "semblance: there is no command \"" << args[0] << "\"; see semblance --help\n";
    return kExitUsage;
  }
  return found->run(Arguments(args.begin() + 1, args.end()), streams);
}

}  // namespace semblance::cli
