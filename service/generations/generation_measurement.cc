#include "service/generations/generation_measurement.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/bundle/trained_images.h"
#include "service/generations/generation_evaluation.h"
#include "service/generations/generation_request.h"

namespace semblance::service {
namespace {

// Returns the images that trained either of the two models. `other` may be null.
absl::StatusOr<TrainedImages> ReadTrainedImagesOf(const generation::GenerationStore& store, const Generation& one,
                                                  const Generation* other) {
  SEMBLANCE_ASSIGN_OR_RETURN(TrainedImages trained, embedder::ReadTrainedImages(store.BundleDir(one.manifest().id())));
  if (other != nullptr) {
    SEMBLANCE_ASSIGN_OR_RETURN(const TrainedImages others, embedder::ReadTrainedImages(store.BundleDir(other->manifest().id())));
    trained.insert(trained.end(), others.begin(), others.end());
    std::sort(trained.begin(), trained.end());
  }
  return trained;
}

void CountItems(const Engine& engine, const Generation& generation, GenerationEvaluation& evaluation) {
  evaluation.sequence = generation.index().applied_sequence();
  evaluation.item_count = generation.index().Stats().live_rows;
  evaluation.expected_item_count = engine.item_count();
}

}  // namespace

absl::StatusOr<GenerationEvaluation> MeasureGeneration(Engine& engine, const std::shared_ptr<Generation>& generation,
                                                       const std::stop_token& stop) {
  const LiveGenerations::Ptr active = engine.live().active();
  const bool is_active = generation == active;
  const Generation* const other = is_active ? nullptr : active.get();
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainedImages trained, ReadTrainedImagesOf(engine.store(), *generation, other));
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationEvaluation evaluation,
                             Evaluate(*generation, other, GatesOf(generation->manifest()), trained, stop));
  if (is_active) {
    // The generation may be taking writes itself at this moment, and the two counts differ by these. So the counts are no gate
    // here.
    CountItems(engine, *generation, evaluation);
    return evaluation;
  }
  const absl::Duration max_pause = absl::Milliseconds(engine.config().generations().max_write_pause_ms());
  SEMBLANCE_RETURN_IF_ERROR(engine.live()
                                .WithWritesHeld(generation->manifest().id(), max_pause,
                                                [&] {
                                                  CountItems(engine, *generation, evaluation);
                                                  return absl::OkStatus();
                                                })
                                .status());
  if (evaluation.item_count != evaluation.expected_item_count) {
    evaluation.failures.push_back(absl::StrCat("it has ", evaluation.item_count, " items, the catalog ",
                                               evaluation.expected_item_count, " at the same sequence"));
  }
  return evaluation;
}

}  // namespace semblance::service
