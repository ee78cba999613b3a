// Measures whether a generation may answer: its index must find what an exact search finds, its vectors must be sound, and, where a
// gate asks for it, its neighbors must have the right labels.
//
// Thread-safe: functions without state. They take seconds. The generation may be written meanwhile.
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

// Runs rounds of 5 batches of every size that serving uses. It ends when the median time of a batch of one image is within 10 % of
// that of the round before, or after 6 rounds, and returns that time. Errors: those of Embedder::Embed; Cancelled.
absl::StatusOr<absl::Duration> WarmUp(const Generation& generation, const std::stop_token& stop,
                                      const std::function<void(int64_t done, int64_t total)>& on_progress);

// The images that took part in training: their keys (embedder/bundle/trained_images.h), in ascending order.
using TrainedImages = std::vector<uint64_t>;

// Measures a generation on samples of its items. All generations have the same sample: the items whose ids have the least digests.
//
//   index_recall          exact search finds the 10 nearest of each item; this is the share of them that the index finds too
//   label_recall          for items that are not in `trained` and share their label with another item: the share whose nearest
//                         other item has that label
//   active_label_recall   the same for `active`, over the same items; unset when `active` is null
//   label_query_count     how many items the two label recalls are measured on
//   failures              index_recall below gates.min_index_recall; vectors that are not finite or not of unit length;
//                         label_recall below active_label_recall by more than the gates' tolerance, where they have one
//
// Sets these and evaluate_time. Errors: those of the index; Cancelled.
absl::StatusOr<GenerationEvaluation> Evaluate(const Generation& generation, const Generation* active,
                                              const v1::GenerationGates& gates, const TrainedImages& trained,
                                              const std::stop_token& stop);

// Says why the label recall speaks against an activation. Returns nullopt when it does not.
std::optional<std::string> WorseThanActive(const GenerationEvaluation& evaluation, double tolerance);

// The same for a generation that is activated only if it is better than the active one. Where there is an active one, too few
// measured items speak against an activation as well.
std::optional<std::string> NotShownBetter(const GenerationEvaluation& evaluation, double tolerance, bool has_active);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_EVALUATION_H_
