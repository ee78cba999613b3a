// The commands of `semblance`, one function and one file each; groups such as `semblance models` have commands of their own.
//
// Not thread-safe. Every command parses its own flags, talks to one server, prints a table for people or one JSON document with
// --json, and returns an exit code (common/process.h): 2 usage, 42 bad input, 75 when the server cannot be reached or is busy, 1
// for other errors. Errors go to `err`: what was wrong, the field and reason where the server names them, and what to do.
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

// Runs the command that args[0] names; the program's help for none or --help.
int RunCommand(const Arguments& args, const Streams& streams);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_COMMANDS_H_
