// The flags --split, --hold_out and --hold_out_fraction, which choose examples of a data set.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CLI_EXAMPLE_FLAGS_H_
#define SEMBLANCE_CLI_EXAMPLE_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/program/command_line.h"
#include "dataset/dataset.h"

namespace semblance::cli {

struct ExampleFlags {
  std::string split = "all";
  std::string hold_out = "items";
  double hold_out_fraction = 0.2;
};

// `flags` must outlive the command.
void AddExampleFlags(CommandLine& command, ExampleFlags& flags);

// Returns what is wrong with them, or nothing.
std::string CheckExampleFlags(const ExampleFlags& flags);

// Returns the indices of the chosen examples in ascending order. REQUIRES: CheckExampleFlags finds nothing wrong. Errors: those of
// AssignSplit.
absl::StatusOr<std::vector<int64_t>> ChooseExamples(const dataset::Dataset& dataset, const ExampleFlags& flags);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_EXAMPLE_FLAGS_H_
