#include "service/live/generation_snapshot.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

// Turns the found rows into items, without the excluded ones.
std::vector<FoundItem> Resolve(const std::vector<index::ScoredKey>& neighbors, const ItemTable::View& view, int top_k,
                               const absl::flat_hash_set<absl::string_view>& excluded, absl::string_view query_item) {
  std::vector<FoundItem> items;
  for (const index::ScoredKey& neighbor : neighbors) {
    std::shared_ptr<const ItemRecord> record = view.Record(neighbor.key);
    if (record == nullptr || (!query_item.empty() && record->id == query_item) || excluded.contains(record->id)) {
      continue;
    }
    items.push_back({.item = std::move(record), .score = neighbor.score});
    if (items.size() == static_cast<size_t>(top_k)) {
      break;
    }
  }
  return items;
}

}  // namespace

GenerationSnapshot::GenerationSnapshot(const Generation* generation)
    : generation_(*generation), items_(&generation->items()), index_(generation->index().Snapshot()) {}

absl::StatusOr<GenerationSnapshot::StoredItem> GenerationSnapshot::Find(absl::string_view id) const {
  const std::optional<uint64_t> sequence = items_.SequenceAt(id, applied_sequence());
  if (!sequence.has_value()) {
    return ItemNotFound(id);
  }
  absl::StatusOr<std::vector<float>> vector = index_->Vector(*sequence);
  if (!vector.ok()) {
    return ItemNotFound(id);  // It was deleted at or before this sequence.
  }
  return StoredItem{.record = items_.Record(*sequence), .vector = *std::move(vector)};
}

absl::StatusOr<PreparedQuery> GenerationSnapshot::QueryOfItem(const std::string& id) const {
  SEMBLANCE_ASSIGN_OR_RETURN(StoredItem item, Find(id));
  return PreparedQuery{.vector = std::move(item.vector), .item_id = id};
}

absl::StatusOr<SearchAnswer> GenerationSnapshot::Search(const GenerationSearch& search, index::IndexSearchResult* rows) const {
  const absl::flat_hash_set<absl::string_view> excluded(search.exclude_item_ids.begin(), search.exclude_item_ids.end());
  std::vector<float> vectors;
  for (const PreparedQuery& query : search.queries) {
    vectors.insert(vectors.end(), query.vector.begin(), query.vector.end());
  }
  index::IndexSearchOptions options;
  options.top_k = search.index_top_k();
  SEMBLANCE_ASSIGN_OR_RETURN(index::IndexSearchResult found, index_->Search(vectors, options));

  SearchAnswer answer;
  answer.provenance = generation_.ProvenanceAt(found.applied_sequence);
  for (size_t i = 0; i < search.queries.size(); ++i) {
    answer.results.push_back(
        Resolve(found.neighbors[i], items_, search.top_k, excluded, search.queries[i].item_id.value_or(std::string())));
  }
  if (rows != nullptr) {
    *rows = std::move(found);
  }
  return answer;
}

absl::Status ItemNotFound(absl::string_view id) {
  return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_ITEM_NOT_FOUND, absl::StrCat("there is no item \"", id, "\""));
}

}  // namespace semblance::service
