#include <array>

#include "absl/strings/string_view.h"
#include "cli/command_group.h"
#include "cli/commands.h"

namespace semblance::cli {
namespace {

constexpr std::array<GroupedCommand, 10> kCommands = {{
    {"ingest", "", "store the images of a folder or manifest as items", RunIngest},
    {"search", "", "find the items most similar to an image or an item", RunSearch},
    {"embed", "", "turn images into vectors", RunEmbed},
    {"items", "", "list, show, count or delete items", RunItems},
    {"models", "", "register models and name the champion", RunModels},
    {"generations", "", "build, watch, activate and compare generations", RunGenerations},
    {"train", "", "train a model as a job of the server, and follow it", RunTrain},
    {"jobs", "", "follow, cancel and resume training jobs", RunJobs},
    {"bench", "", "search under load, and report latencies and failures", RunBench},
    {"status", "", "show the state of the server and what it serves", RunStatus},
}};

constexpr std::array<absl::string_view, 4> kExamples = {
    "semblance ingest photos/ --server=127.0.0.1:50051",
    "semblance search shoe.jpg --top_k=5",
    "semblance status --json",
    "semblance --version",
};

}  // namespace

int RunCommand(const Arguments& args, const Streams& streams) {
  const bool asks_for_help = !args.empty() && args.front() == "help";
  return RunGroup({.name = "semblance",
                   .summary = "Similarity search over your images: the command line of a semblance-server.",
                   .commands = kCommands,
                   .examples = kExamples},
                  asks_for_help ? Arguments{"--help"} : args, streams);
}

}  // namespace semblance::cli
