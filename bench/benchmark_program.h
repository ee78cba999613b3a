// Runs a benchmark for its main: parses flags, prints help, reports one error of the flags or the run, and returns an exit
// code.
#ifndef SEMBLANCE_BENCH_BENCHMARK_PROGRAM_H_
#define SEMBLANCE_BENCH_BENCHMARK_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "common/program/command_line.h"

namespace semblance::bench {

// Parses `args`, then calls `check`, which validates the flags, then `run`. A step runs only if the one before succeeded.
// Returns the exit code (common/program/process.h). --help prints the help and runs nothing.
int RunBenchmark(CommandLine* command, const std::vector<std::string>& args, absl::FunctionRef<absl::Status()> check,
                 absl::FunctionRef<absl::Status()> run);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_BENCHMARK_PROGRAM_H_
