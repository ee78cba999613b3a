// Shadow searches: what a client asked is asked of another generation too, when the client has its answer, and the two answers are
// compared. Only on spare capacity: what would queue is dropped and counted.
#include <utility>

#include "service/engine/engine_jobs.h"

namespace semblance::service {
namespace {

// Shadows under way at once.
constexpr int kMaxShadows = 2;

}  // namespace

std::vector<std::shared_ptr<Engine::ShadowJob>> Engine::ShadowsOf(const SearchJob& job, const SearchAnswer& answer) {
  std::vector<std::shared_ptr<ShadowJob>> shadows;
  const auto live_answer = std::make_shared<const SearchAnswer>(answer);
  for (const LiveGenerations::Target& target : job.shadows) {
    if (workers_->queued() > 0 || shadows_waiting_.load() >= kMaxShadows) {
      target.counter->CountDroppedShadow();
      continue;
    }
    auto shadow = std::make_shared<ShadowJob>();
    shadow->target = target;
    shadow->live_answer = live_answer;
    shadow->search = {.queries = {}, .top_k = job.search.top_k, .exclude_item_ids = job.search.exclude_item_ids};
    for (const Query& query : job.input.queries) {
      PreparedQuery prepared;
      if (const auto* image = std::get_if<ImageQuery>(&query)) {
        shadow->image_positions.push_back(shadow->search.queries.size());
        shadow->images.emplace_back(image->bytes);
      } else {
        prepared.item_id = std::get<ItemQuery>(query).id;
      }
      shadow->search.queries.push_back(std::move(prepared));
    }
    shadows_waiting_.fetch_add(1);
    shadows.push_back(std::move(shadow));
  }
  return shadows;
}

void Engine::RunShadow(const std::shared_ptr<ShadowJob>& job) {
  const Generation& generation = *job->target.generation;
  const auto finish = [this, job](bool searched) {
    const absl::StatusOr<SearchAnswer> answer =
        searched ? job->target.generation->Search(job->search) : absl::StatusOr<SearchAnswer>(absl::UnknownError("not searched"));
    if (answer.ok()) {
      job->target.counter->CountShadow(OverlapOf(*job->live_answer, *answer));
    } else {
      job->target.counter->CountDroppedShadow();
    }
    shadows_waiting_.fetch_sub(1);  // The engine may be gone after this line.
  };
  for (PreparedQuery& query : job->search.queries) {
    if (query.item_id.has_value()) {
      absl::StatusOr<PreparedQuery> prepared = generation.QueryOfItem(*query.item_id);
      if (!prepared.ok()) {
        return finish(false);
      }
      query = *std::move(prepared);
    }
  }
  if (job->images.empty()) {
    return finish(true);
  }
  std::vector<EncodedImage> encoded;
  for (const std::string& image : job->images) {
    encoded.push_back({.bytes = image, .field = "image"});
  }
  LatencyBreakdown unused;
  absl::StatusOr<std::vector<embedder::Image>> images =
      DecodeAll(encoded, generation.embedder().preprocessor(), decode_limits_, unused);
  if (!images.ok()) {
    return finish(false);
  }
  generation.batcher().Embed(*std::move(images), embedder::Priority::kBulk, absl::InfiniteFuture(), {},
                             [this, job, finish](const absl::StatusOr<embedder::EmbedResult>& result) {
                               if (!result.ok()) {
                                 return finish(false);
                               }
                               const auto dimension = static_cast<std::ptrdiff_t>(job->target.generation->manifest().dimension());
                               auto row = result->vectors.begin();
                               for (const size_t position : job->image_positions) {
                                 job->search.queries[position].vector.assign(row, row + dimension);
                                 row += dimension;
                               }
                               bulk_workers_->Schedule([finish] { finish(true); });
                             });
}

}  // namespace semblance::service
