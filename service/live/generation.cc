#include "service/live/generation.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "embedder/bundle/trained_images.h"

namespace semblance::service {
namespace {

// Computes in double precision, because the squares of very large or small components leave the range of a float.
std::vector<float> Normalized(const std::vector<float>& values) {
  double squared_norm = 0;
  for (const float value : values) {
    squared_norm += double{value} * value;
  }
  const double scale = 1 / std::sqrt(squared_norm);
  std::vector<float> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    result[i] = static_cast<float>(values[i] * scale);
  }
  return result;
}

}  // namespace

Generation::Generation(Parts parts)
    : manifest_(std::move(parts.manifest)),
      embedder_(std::move(parts.embedder)),
      max_batch_size_(parts.batching.max_batch_size),
      batcher_(embedder::NewBatcher(embedder_.get(), parts.batching)),
      index_(std::move(parts.index)),
      items_(std::move(parts.items)),
      embedded_at_load_count_(parts.embedded_at_load_count) {}

Provenance Generation::ProvenanceAt(uint64_t applied_sequence) const {
  return {.generation = manifest_.id(),
          .model = manifest_.model(),
          .embedding_space_id = manifest_.embedding_space_id(),
          .applied_sequence = applied_sequence};
}

absl::StatusOr<PreparedQuery> Generation::QueryOfVector(const VectorQuery& query) const {
  if (query.embedding_space_id != manifest_.embedding_space_id()) {
    return WithFieldPrefix(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_EMBEDDING_SPACE_MISMATCH,
                                 absl::StrCat("the vector lives in ", query.embedding_space_id, ", the server answers in ",
                                              manifest_.embedding_space_id(), "; embed the query again")),
                           "embedding.embedding_space_id");
  }
  if (query.values.size() != static_cast<size_t>(manifest_.dimension())) {
    return InvalidField("embedding.values", v1::ERROR_REASON_DIMENSION_MISMATCH,
                        absl::StrCat("the vector has ", query.values.size(), " components; the space has ", manifest_.dimension()));
  }
  return PreparedQuery{.vector = Normalized(query.values), .item_id = std::nullopt};
}

absl::Status Generation::ApplyUpsert(const catalog::WriteResult& write, absl::Span<const float> vectors) {
  const size_t dimension = static_cast<size_t>(manifest_.dimension());
  std::vector<index::IndexAdd> adds;
  std::vector<index::IndexDelete> deletes;
  for (size_t i = 0; i < write.changes.size(); ++i) {
    const catalog::Change& change = write.changes[i];
    adds.push_back({.key = change.sequence, .vector = vectors.subspan(i * dimension, dimension)});
    if (change.replaced_sequence != 0) {
      deletes.push_back({.key = change.replaced_sequence, .at = change.sequence});
    }
    items_->Insert(RecordOf(change.item));
  }
  return Apply(adds, deletes, write.changes.empty() ? 0 : write.changes.back().sequence);
}

absl::Status Generation::ApplyDelete(const catalog::WriteResult& write) {
  std::vector<index::IndexDelete> deletes;
  for (const catalog::Change& change : write.changes) {
    deletes.push_back({.key = change.replaced_sequence, .at = change.sequence});
  }
  return Apply({}, deletes, write.changes.empty() ? 0 : write.changes.back().sequence);
}

absl::Status Generation::ApplyLog(const std::vector<const catalog::Change*>& changes,
                                  const std::map<uint64_t, std::vector<float>>& vectors, uint64_t sequence) {
  std::vector<index::IndexAdd> adds;
  std::vector<index::IndexDelete> deletes;
  for (const catalog::Change* change : changes) {
    const auto vector = vectors.find(change->sequence);
    if (!change->deleted && vector == vectors.end()) {
      continue;
    }
    if (const std::optional<uint64_t> replaced = items_->SequenceOf(change->item.id); replaced.has_value()) {
      deletes.push_back({.key = *replaced, .at = change->sequence});
    }
    if (!change->deleted) {
      adds.push_back({.key = change->sequence, .vector = vector->second});
      items_->Insert(RecordOf(change->item));
    }
  }
  return Apply(adds, deletes, sequence);
}

absl::Status Generation::Apply(absl::Span<const index::IndexAdd> adds, absl::Span<const index::IndexDelete> deletes,
                               uint64_t sequence) {
  if (sequence == 0) {
    return absl::OkStatus();  // Nothing changed.
  }
  if (absl::Status status = index_->Apply(adds, deletes, sequence); !status.ok()) {
    for (const index::IndexAdd& add : adds) {
      items_->Withdraw(add.key);
    }
    return status;
  }
  for (const index::IndexDelete& gone : deletes) {
    items_->Retire(gone.key, sequence);
  }
  return absl::OkStatus();
}

std::shared_ptr<const ItemRecord> RecordOf(const catalog::CatalogItem& item) {
  return std::make_shared<const ItemRecord>(ItemRecord{.sequence = item.sequence,
                                                       .id = item.id,
                                                       .label = item.label,
                                                       .attributes = item.attributes,
                                                       .image_key = embedder::ImageKeyOf(item.image_sha256)});
}

std::shared_ptr<Generation> ShareGeneration(std::unique_ptr<Generation> generation) {
  return std::shared_ptr<Generation>(generation.release(), [](Generation* last) {
    std::unique_ptr<Generation> owned(last);
    // The disposal is moved out of the generation first, because the generation may be destroyed before the call has returned.
    if (const auto dispose = std::move(last->dispose_); dispose) {
      dispose(std::move(owned));
    }
  });
}

}  // namespace semblance::service
