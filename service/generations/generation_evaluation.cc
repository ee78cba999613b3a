#include "service/generations/generation_evaluation.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/status_macros.h"
#include "common/threads/background_thread.h"
#include "service/live/generation_snapshot.h"

namespace semblance::service {
namespace {

using Records = std::vector<std::shared_ptr<const ItemRecord>>;

constexpr int kIterations = 5;
constexpr int kMaxRounds = 6;
constexpr double kSteady = 0.1;
constexpr int kNeighbors = 10;
// With fewer labeled items the difference between two models is within the noise.
constexpr int kMinLabelQueries = 10;
constexpr double kUnitTolerance = 1e-3;
// A row counts as found when its score is this close to that of the last exact one.
constexpr float kTie = 1e-6f;

absl::Status CheckNotStopped(const std::stop_token& stop) {
  return stop.stop_requested() ? absl::CancelledError("stopped") : absl::OkStatus();
}

// The median time of a batch.
absl::StatusOr<absl::Duration> TimeBatch(const embedder::Embedder& embedder, int batch_size) {
  const storage::v1::Preprocessing& input = embedder.manifest().preprocessing();
  const int side = input.crop_side();
  const embedder::Image gray = {.width = side,
                                .height = side,
                                .channels = input.channels(),
                                .pixels = std::vector<uint8_t>(static_cast<size_t>(side) * side * input.channels(), 128)};
  const std::vector<embedder::Image> images(static_cast<size_t>(batch_size), gray);
  std::vector<float> vectors(images.size() * static_cast<size_t>(embedder.dimension()));
  std::vector<absl::Duration> times;
  Rests rests;
  for (int i = 0; i < kIterations; ++i) {
    rests.BetweenPieces();
    const absl::Time start = absl::Now();
    SEMBLANCE_RETURN_IF_ERROR(embedder.Embed(images, absl::MakeSpan(vectors)));
    times.push_back(absl::Now() - start);
  }
  std::nth_element(times.begin(), times.begin() + kIterations / 2, times.end());
  return times[kIterations / 2];
}

// Returns the records whose ids have the smallest digests.
Records Sample(const Records& records, int size) {
  std::vector<std::pair<std::string, size_t>> order;
  order.reserve(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    order.emplace_back(Sha256Hex(records[i]->id).substr(0, 16), i);
  }
  const auto count = std::min(records.size(), static_cast<size_t>(size));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end());
  Records sample;
  for (size_t i = 0; i < count; ++i) {
    sample.push_back(records[order[i].second]);
  }
  return sample;
}

bool IsSound(const std::vector<float>& vector) {
  double squared_norm = 0;
  for (const float value : vector) {
    squared_norm += double{value} * value;
  }
  return std::abs(squared_norm - 1) < kUnitTolerance;  // False for NaN.
}

// Returns the share of `exact` that is in `found`.
double RecallOf(const std::vector<index::ScoredKey>& found, const std::vector<index::ScoredKey>& exact) {
  if (exact.empty()) {
    return 1;
  }
  const float worst = exact.back().score - kTie;
  const auto hits = std::count_if(found.begin(), found.end(), [worst](const index::ScoredKey& row) { return row.score >= worst; });
  return std::min(1.0, static_cast<double>(hits) / static_cast<double>(exact.size()));
}

struct IndexCheck {
  double recall = 1;
  int64_t unsound = 0;
};

absl::StatusOr<IndexCheck> CheckIndex(const Generation& generation, const Records& sample, const std::stop_token& stop) {
  IndexCheck check;
  double sum = 0;
  int64_t queries = 0;
  Rests rests;
  for (const auto& record : sample) {
    SEMBLANCE_RETURN_IF_ERROR(CheckNotStopped(stop));
    rests.BetweenPieces();
    const GenerationSnapshot snapshot(&generation);
    const absl::StatusOr<std::vector<float>> vector = snapshot.index().Vector(record->sequence);
    if (!vector.ok()) {
      continue;  // The item was replaced or deleted meanwhile.
    }
    if (!IsSound(*vector)) {
      ++check.unsound;
      continue;
    }
    index::IndexSearchOptions options;
    options.top_k = kNeighbors;
    SEMBLANCE_ASSIGN_OR_RETURN(const index::IndexSearchResult found, snapshot.index().Search(*vector, options));
    options.exact = true;
    SEMBLANCE_ASSIGN_OR_RETURN(const index::IndexSearchResult exact, snapshot.index().Search(*vector, options));
    sum += RecallOf(found.neighbors[0], exact.neighbors[0]);
    ++queries;
  }
  check.recall = queries == 0 ? 1 : sum / static_cast<double>(queries);
  return check;
}

// Returns the records that took no part in training and share their label with another one.
Records LabelQueries(const Records& records, const TrainedImages& trained) {
  absl::flat_hash_map<absl::string_view, int64_t> counts;
  for (const auto& record : records) {
    if (record->label.has_value()) {
      ++counts[*record->label];
    }
  }
  Records queries;
  for (const auto& record : records) {
    if (record->label.has_value() && counts[*record->label] > 1 &&
        !std::binary_search(trained.begin(), trained.end(), record->image_key)) {
      queries.push_back(record);
    }
  }
  return queries;
}

// Returns the label recall over the items that the generation has, or nullopt when it has none of them.
absl::StatusOr<std::optional<double>> LabelRecall(const Generation& generation, const Records& items, const std::stop_token& stop) {
  int64_t hits = 0;
  int64_t queries = 0;
  Rests rests;
  for (const auto& item : items) {
    SEMBLANCE_RETURN_IF_ERROR(CheckNotStopped(stop));
    rests.BetweenPieces();
    const GenerationSnapshot snapshot(&generation);
    absl::StatusOr<GenerationSnapshot::StoredItem> query = snapshot.Find(item->id);
    if (!query.ok() || query->record->sequence != item->sequence) {
      continue;  // The item was replaced or deleted meanwhile.
    }
    SEMBLANCE_ASSIGN_OR_RETURN(
        const SearchAnswer answer,
        snapshot.Search(
            {.queries = {{.vector = std::move(query->vector), .item_id = item->id}}, .top_k = 1, .exclude_item_ids = {}}));
    const std::vector<FoundItem>& found = answer.results[0];
    hits += !found.empty() && found[0].item->label == item->label ? 1 : 0;
    ++queries;
  }
  return queries == 0 ? std::nullopt : std::optional(static_cast<double>(hits) / static_cast<double>(queries));
}

}  // namespace

absl::StatusOr<absl::Duration> WarmUp(const Generation& generation, const std::stop_token& stop,
                                      const std::function<void(int64_t, int64_t)>& on_progress) {
  const int max_batch = generation.max_batch_size();
  absl::Duration before = absl::InfiniteDuration();
  absl::Duration single;
  for (int round = 0; round < kMaxRounds; ++round) {
    for (int size = 1; size <= max_batch; size = size < max_batch ? std::min(2 * size, max_batch) : size + 1) {
      SEMBLANCE_RETURN_IF_ERROR(CheckNotStopped(stop));
      SEMBLANCE_ASSIGN_OR_RETURN(const absl::Duration time, TimeBatch(generation.embedder(), size));
      single = size == 1 ? time : single;
    }
    on_progress(round + 1, kMaxRounds);
    if (absl::AbsDuration(single - before) < kSteady * single) {
      break;
    }
    before = single;
  }
  return single;
}

absl::StatusOr<GenerationEvaluation> Evaluate(const Generation& generation, const Generation* active,
                                              const v1::GenerationGates& gates, const TrainedImages& trained,
                                              const std::stop_token& stop) {
  GenerationEvaluation evaluation;
  const Records records = generation.Records();
  const Records sample = Sample(records, gates.sample_size());
  SEMBLANCE_ASSIGN_OR_RETURN(const IndexCheck check, CheckIndex(generation, sample, stop));
  evaluation.index_recall = check.recall;
  if (check.recall < gates.min_index_recall()) {
    evaluation.failures.push_back(absl::StrFormat("its index finds %.4f of the exact 10 nearest; at least %.4f is asked for",
                                                  check.recall, gates.min_index_recall()));
  }
  if (check.unsound > 0) {
    evaluation.failures.push_back(
        absl::StrCat(check.unsound, " of ", sample.size(), " vectors are not finite or not of unit length"));
  }
  const Records queries = Sample(LabelQueries(records, trained), gates.sample_size());
  evaluation.label_query_count = static_cast<int>(queries.size());
  SEMBLANCE_ASSIGN_OR_RETURN(evaluation.label_recall, LabelRecall(generation, queries, stop));
  if (active != nullptr) {
    SEMBLANCE_ASSIGN_OR_RETURN(evaluation.active_label_recall, LabelRecall(*active, queries, stop));
  }
  if (gates.has_label_recall_tolerance()) {
    if (std::optional<std::string> worse = WorseThanActive(evaluation, gates.label_recall_tolerance()); worse.has_value()) {
      evaluation.failures.push_back(*std::move(worse));
    }
  }
  evaluation.evaluate_time = absl::Now();
  return evaluation;
}

std::optional<std::string> WorseThanActive(const GenerationEvaluation& evaluation, double tolerance) {
  if (!evaluation.label_recall.has_value() || !evaluation.active_label_recall.has_value() ||
      *evaluation.label_recall >= *evaluation.active_label_recall - tolerance) {
    return std::nullopt;
  }
  return absl::StrFormat("its recall@1 on labelled items is %.4f, the active generation's %.4f; it may be lower by %.4f",
                         *evaluation.label_recall, *evaluation.active_label_recall, tolerance);
}

std::optional<std::string> NotShownBetter(const GenerationEvaluation& evaluation, double tolerance, bool has_active) {
  if (has_active && evaluation.label_query_count < kMinLabelQueries) {
    return absl::StrCat("the catalog has ", evaluation.label_query_count,
                        " items with a label that neither model was trained on; it takes ", kMinLabelQueries,
                        " to say which is better");
  }
  return WorseThanActive(evaluation, tolerance);
}

}  // namespace semblance::service
