#include "index/finders/hnsw_graph.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace semblance::index {
namespace {

bool AllBelow(absl::Span<const uint32_t> numbers, size_t end, bool may_lack) {
  return std::all_of(numbers.begin(), numbers.end(),
                     [=](uint32_t number) { return number < end || (may_lack && number == kNoLink); });
}

// A level points to the arrays of the graph without const, because a builder changes them. Walks through a finished graph only
// read.
uint32_t* Mutable(const uint32_t* links) {
  return const_cast<uint32_t*>(links);
}

}  // namespace

absl::Status HnswGraph::Validate() const {
  const size_t rows = static_cast<size_t>(this->rows());
  bool whole = entry_row < rows && AllBelow({ground.data(), ground.size()}, rows, true) && AllBelow(upper_rows, rows, false);
  size_t below = upper_rows.size();
  absl::Span<const uint32_t> rest = upper_links;
  for (const size_t nodes : level_nodes) {
    const size_t links = nodes * static_cast<size_t>(m);
    whole = whole && nodes > 0 && nodes <= below && links <= rest.size() && AllBelow(rest.first(links), nodes, true);
    if (!whole) {
      break;
    }
    rest.remove_prefix(links);
    below = nodes;
  }
  whole = whole && rest.empty() && upper_rows.size() == (level_nodes.empty() ? 0 : level_nodes.front());
  return whole ? absl::OkStatus() : absl::DataLossError("a link of the graph points to no node");
}

HnswLevels::HnswLevels(const HnswGraph& graph, const RowCodes& codes)
    : upper_codes_(codes.dimension(), static_cast<int64_t>(graph.upper_rows.size()), codes.scale()) {
  for (size_t node = 0; node < graph.upper_rows.size(); ++node) {
    std::memcpy(upper_codes_.mutable_row(static_cast<int64_t>(node)), codes.row(graph.upper_rows[node]),
                static_cast<size_t>(codes.stride()));
  }
  levels_.push_back({Mutable(graph.ground.data()), 2 * graph.m, codes.row(0)});
  const uint32_t* links = graph.upper_links.data();
  for (const size_t nodes : graph.level_nodes) {
    levels_.push_back({Mutable(links), graph.m, upper_codes_.row(0)});
    links += nodes * static_cast<size_t>(graph.m);
  }
}

}  // namespace semblance::index
