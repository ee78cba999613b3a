// The commands of `semblance`. Each has a function and a file. Groups such as `semblance models` have commands of their own.
//
// Not thread-safe. Every command parses its own flags and talks to one server. It prints a table for people, or one JSON document
// with --json, and returns an exit code (common/program/process.h): 2 for wrong usage, 42 for bad input, 75 when the server cannot
// be reached or is busy, and 1 for other errors. Errors are printed to `err`. They say what was wrong and what to do, and name the
// field and the reason where the server does.
#ifndef SEMBLANCE_CLI_COMMANDS_H_
#define SEMBLANCE_CLI_COMMANDS_H_

#include "cli/client/streams.h"

namespace semblance::cli {

int RunBench(const Arguments& args, const Streams& streams);
int RunEmbed(const Arguments& args, const Streams& streams);
int RunGenerations(const Arguments& args, const Streams& streams);
int RunIngest(const Arguments& args, const Streams& streams);
int RunItems(const Arguments& args, const Streams& streams);
int RunJobs(const Arguments& args, const Streams& streams);
int RunModels(const Arguments& args, const Streams& streams);
int RunSearch(const Arguments& args, const Streams& streams);
int RunStatus(const Arguments& args, const Streams& streams);
int RunTrain(const Arguments& args, const Streams& streams);

// Runs the command that the first argument without a dash names. See RunGroup for --help and --version.
int RunCommand(const Arguments& args, const Streams& streams);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_COMMANDS_H_
