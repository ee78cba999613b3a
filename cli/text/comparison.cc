#include "cli/text/comparison.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace semblance::cli {
namespace {

std::set<std::string> IdsOf(const ComparedAnswer& answer) {
  std::set<std::string> ids;
  for (const ComparedNeighbor& neighbor : answer.neighbors) {
    ids.insert(neighbor.item_id);
  }
  return ids;
}

// The number of neighbors that the other answer has too.
size_t MarkNeighbors(const std::optional<std::string>& label, const std::set<std::string>& others, ComparedAnswer& answer) {
  size_t same = 0;
  size_t shared = 0;
  for (ComparedNeighbor& neighbor : answer.neighbors) {
    neighbor.same_label = label.has_value() && neighbor.label == label;
    neighbor.in_both = others.count(neighbor.item_id) > 0;
    same += neighbor.same_label ? 1 : 0;
    shared += neighbor.in_both ? 1 : 0;
  }
  answer.label_precision.reset();
  if (label.has_value() && !answer.neighbors.empty()) {
    answer.label_precision = static_cast<double>(same) / static_cast<double>(answer.neighbors.size());
  }
  return shared;
}

void ScoreQuery(ComparedQuery& query) {
  auto& [first, second] = query.answers;
  const size_t shared = MarkNeighbors(query.label, IdsOf(second), first);
  MarkNeighbors(query.label, IdsOf(first), second);
  const size_t longer = std::max(first.neighbors.size(), second.neighbors.size());
  query.overlap = longer == 0 ? 1 : static_cast<double>(shared) / static_cast<double>(longer);
}

double PrecisionDifference(const ComparedQuery& query) {
  const auto& [first, second] = query.answers;
  return std::abs(first.label_precision.value_or(0) - second.label_precision.value_or(0));
}

std::optional<double> Mean(const std::vector<double>& values) {
  if (values.empty()) {
    return std::nullopt;
  }
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

}  // namespace

void Score(Comparison& comparison) {
  std::vector<double> overlaps;
  std::array<std::vector<double>, 2> precisions;
  for (ComparedQuery& query : comparison.queries) {
    ScoreQuery(query);
    overlaps.push_back(query.overlap);
    for (size_t side = 0; side < 2; ++side) {
      if (query.answers[side].label_precision.has_value()) {
        precisions[side].push_back(*query.answers[side].label_precision);
      }
    }
  }
  comparison.mean_overlap = Mean(overlaps);
  for (size_t side = 0; side < 2; ++side) {
    comparison.mean_label_precision[side] = Mean(precisions[side]);
  }
  std::stable_sort(comparison.queries.begin(), comparison.queries.end(), [](const ComparedQuery& a, const ComparedQuery& b) {
    return a.overlap != b.overlap ? a.overlap < b.overlap : PrecisionDifference(a) > PrecisionDifference(b);
  });
}

}  // namespace semblance::cli
