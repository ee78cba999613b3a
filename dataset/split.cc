#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "dataset/dataset.h"

namespace semblance::dataset {

double HashToUnit(const std::string& name) {
  uint64_t bits = 0;
  (void)absl::SimpleHexAtoi(Sha256Hex(name).substr(0, 13), &bits);  // 13 hex digits are 52 bits, which a double holds exactly.
  return std::ldexp(static_cast<double>(bits), -52);
}

namespace {

// Returns the labels that are the last `fraction` of all labels.
std::set<std::string> LastLabels(const Dataset& dataset, double fraction) {
  std::set<std::string> labels;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    labels.insert(dataset.example(i).label);
  }
  const auto last = static_cast<size_t>(std::llround(fraction * static_cast<double>(labels.size())));
  labels.erase(labels.begin(), std::next(labels.begin(), static_cast<std::ptrdiff_t>(labels.size() - last)));
  return labels;
}

bool IsHeldOut(const Example& example, HoldOut hold_out, double fraction, const std::set<std::string>& last_labels) {
  switch (hold_out) {
    case HoldOut::kItems:
      return HashToUnit(example.id) < fraction;
    case HoldOut::kClasses:
      return HashToUnit(example.label) < fraction;
    case HoldOut::kLastClasses:
      return last_labels.count(example.label) > 0;
    case HoldOut::kNone:
      return false;
  }
  return false;
}

}  // namespace

absl::StatusOr<SplitIndices> AssignSplit(const Dataset& dataset, HoldOut hold_out, double fraction) {
  const std::set<std::string> last_labels =
      hold_out == HoldOut::kLastClasses ? LastLabels(dataset, fraction) : std::set<std::string>();
  SplitIndices indices;
  int64_t assigned = 0;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const Example& example = dataset.example(i);
    const bool has_split = example.split != Split::kUnassigned;
    assigned += has_split ? 1 : 0;
    const bool is_test = has_split ? example.split == Split::kTest : IsHeldOut(example, hold_out, fraction, last_labels);
    (is_test ? indices.test : indices.train).push_back(i);
  }
  if (assigned != 0 && assigned != dataset.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("only ", assigned, " of ", dataset.size(), " images have a split; expected all of them or none"));
  }
  return indices;
}

}  // namespace semblance::dataset
