// What a generation must show before it may answer: its index finds what exact search finds, its vectors are sound, and, where that
// is asked for, its neighbours have the right labels.
//
// Thread-safe: functions without state. They take seconds and read the generation while it is written.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_EVALUATION_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/live/generation.h"
#include "service/live/generation_info.h"

namespace semblance::service {

// Runs every batch size that serving uses, 5 times each, until the median time of one image is within 10 % of that of the round
// before, for 6 rounds at most; returns that time. Errors: as of Embedder::Embed; Cancelled when *stop becomes true.
absl::StatusOr<absl::Duration> WarmUp(const Generation& generation, const std::stop_token& stop,
                                      const std::function<void(int64_t done, int64_t total)>& on_progress);

// Images that took part in training, by their keys (embedder/bundle/trained_images.h), sorted.
using TrainedImages = std::vector<uint64_t>;

// index_recall: of the 10 nearest to each of a sample of items, by exact search over the generation's own vectors, the share that
// its search finds. label_recall: of a sample of the items that are not among `trained` and have a label which another item has
// too, the share whose nearest other item has it. active_label_recall: the same of `active`, over the same items; null: unset.
// label_query_count: how many these are. A sample is the same for all generations: the items whose ids have the least digests.
// Fills in these, failures (below gates.min_index_recall; vectors that are not finite or not of unit length; label_recall below
// active_label_recall by more than the tolerance, where one is set) and evaluate_time. Errors: of the index; Cancelled when *stop
// becomes true.
absl::StatusOr<GenerationEvaluation> Evaluate(const Generation& generation, const Generation* active, const GenerationGates& gates,
                                              const TrainedImages& trained, const std::stop_token& stop);

// Why the label recall is a reason not to activate the generation; nullopt: it is none.
std::optional<std::string> WorseThanActive(const GenerationEvaluation& evaluation, double tolerance);

// The same, for one that is to be activated only if it is better: that has to be known, from enough items, where there is an active
// generation.
std::optional<std::string> NotShownBetter(const GenerationEvaluation& evaluation, double tolerance, bool has_active);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_EVALUATION_H_
