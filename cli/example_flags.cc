#include "cli/example_flags.h"

#include <numeric>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace semblance::cli {
namespace {

std::optional<dataset::HoldOut> HoldOutOf(const std::string& name) {
  if (name == "items") {
    return dataset::HoldOut::kItems;
  }
  if (name == "classes") {
    return dataset::HoldOut::kClasses;
  }
  return name == "last_classes" ? std::optional(dataset::HoldOut::kLastClasses) : std::nullopt;
}

}  // namespace

void AddExampleFlags(CommandLine& command, ExampleFlags& flags) {
  command.AddFlag("split", "all|train|test", "which examples to use; hold_out splits data that has no split of its own",
                  &flags.split);
  command.AddFlag("hold_out", "items|classes|last_classes", "how test examples are chosen, as in training", &flags.hold_out);
  command.AddFlag("hold_out_fraction", "SHARE", "share of test examples", &flags.hold_out_fraction);
}

std::string CheckExampleFlags(const ExampleFlags& flags) {
  if (flags.split != "all" && flags.split != "train" && flags.split != "test") {
    return absl::StrCat("--split=", flags.split, " is none of all, train, test");
  }
  if (!HoldOutOf(flags.hold_out).has_value()) {
    return absl::StrCat("--hold_out=", flags.hold_out, " is none of items, classes, last_classes");
  }
  if (!(flags.hold_out_fraction > 0 && flags.hold_out_fraction < 1)) {
    return absl::StrCat("--hold_out_fraction=", flags.hold_out_fraction, " is not between 0 and 1");
  }
  return "";
}

absl::StatusOr<std::vector<int64_t>> ChooseExamples(const dataset::Dataset& dataset, const ExampleFlags& flags) {
  if (flags.split == "all") {
    std::vector<int64_t> all(static_cast<size_t>(dataset.size()));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  SEMBLANCE_ASSIGN_OR_RETURN(dataset::SplitIndices split,
                             dataset::AssignSplit(dataset, *HoldOutOf(flags.hold_out), flags.hold_out_fraction));
  return flags.split == "train" ? split.train : split.test;
}

}  // namespace semblance::cli
