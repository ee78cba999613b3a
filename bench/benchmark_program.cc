#include "bench/benchmark_program.h"

#include <cstdio>

#include "common/program/process.h"

namespace semblance::bench {

int RunBenchmark(CommandLine* command, const std::vector<std::string>& args, absl::FunctionRef<absl::Status()> check,
                 absl::FunctionRef<absl::Status()> run) {
  absl::Status status = command->Parse(args).status();
  if (!command->requested_text().empty()) {
    std::fputs(command->requested_text().c_str(), stdout);
    return kExitDone;
  }
  if (status.ok()) {
    status = check();
  }
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return kExitUsage;
  }
  status = run();
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return kExitFailed;
  }
  return kExitDone;
}

}  // namespace semblance::bench
