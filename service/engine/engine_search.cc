// Searching and embedding.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "service/engine/engine_jobs.h"
#include "service/engine/limits.h"

namespace semblance::service {
namespace {

// "query.image" from "image" and "query"; errors without a field, such as a missing item, name the query's own part.
absl::Status OfQuery(absl::Status status, const std::string& query_field, absl::string_view part) {
  const bool has_field = !ErrorField(status).empty();
  return WithFieldPrefix(std::move(status), has_field ? query_field : absl::StrCat(query_field, ".", part));
}

// Why a search in a generation that is not loaded is refused.
absl::Status NotLoaded(const std::string& id, const generation::GenerationStore& store) {
  const absl::Status known = store.ReadManifest(id).status();
  absl::Status status = absl::IsNotFound(known)
                            ? known
                            : Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_NOT_READY,
                                    absl::StrCat("generation ", id, " is not loaded; it answers once it is READY"));
  return WithFieldPrefix(std::move(status), "generation");
}

}  // namespace

absl::StatusOr<std::vector<embedder::Image>> DecodeAll(const std::vector<EncodedImage>& images,
                                                       const embedder::Preprocessor& preprocessor,
                                                       const embedder::DecodeLimits& limits, LatencyBreakdown& latency) {
  const absl::Time start = absl::Now();
  std::vector<embedder::Image> decoded;
  decoded.reserve(images.size());
  for (const EncodedImage& image : images) {
    absl::StatusOr<embedder::Image> result = preprocessor.DecodeAndPreprocess(image.bytes, limits);
    if (!result.ok()) {
      // The decoder says "image"; the client calls it something else.
      absl::Status status = InvalidField(image.field, ReasonOf(result.status()), result.status().message());
      return absl::IsInvalidArgument(result.status()) ? status : result.status();
    }
    decoded.push_back(*std::move(result));
  }
  latency.decode += absl::Now() - start;
  return decoded;
}

absl::StatusOr<LiveGenerations::Route> Engine::RouteOf(const SearchInput& input) const {
  if (!input.generation.empty()) {
    SEMBLANCE_RETURN_IF_ERROR(CheckServing());
    GenerationPtr generation = live_.Find(input.generation);
    if (generation == nullptr) {
      return NotLoaded(input.generation, store_);
    }
    return LiveGenerations::Route{.answers = {.generation = std::move(generation), .counter = nullptr}, .shadows = {}};
  }
  SEMBLANCE_ASSIGN_OR_RETURN(GenerationPtr active, Admit());
  LiveGenerations::Route route = live_.RouteOf(input.routing_key);
  const bool fits_any_space = std::none_of(input.queries.begin(), input.queries.end(),
                                           [](const Query& query) { return std::holds_alternative<VectorQuery>(query); });
  if (!fits_any_space) {
    route.shadows.clear();
  }
  const Generation* answers = route.answers.generation.get();
  if (answers == nullptr || !fits_any_space || answers->index().applied_sequence() < input.min_sequence) {
    route.answers = {.generation = std::move(active), .counter = nullptr};
  }
  return route;
}

void Engine::Search(SearchInput input, const CallContext& context, const Callback<SearchAnswer>& done) {
  absl::StatusOr<LiveGenerations::Route> route = RouteOf(input);
  if (!route.ok()) {
    return done(route.status());
  }
  if (const absl::Status status = CheckSearch(input, options_.config.limits()); !status.ok()) {
    return done(status);
  }
  const uint64_t applied = route->answers.generation->index().applied_sequence();
  if (input.min_sequence > applied) {
    absl::Status status = Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_SEQUENCE_NOT_APPLIED,
                                absl::StrCat("min_sequence is ", input.min_sequence, "; this server has applied ", applied));
    return done(WithRetryDelay(WithFieldPrefix(std::move(status), "min_sequence"), absl::Milliseconds(100)));
  }
  auto job = std::make_shared<SearchJob>();
  job->generation = std::move(route->answers.generation);
  job->canary = std::move(route->answers.counter);
  job->shadows = std::move(route->shadows);
  job->context = context;
  job->input = std::move(input);
  job->done = done;
  Submit(
      *workers_, context, [this, job] { PrepareSearch(job); }, done);
}

void Engine::PrepareSearch(const std::shared_ptr<SearchJob>& job) {
  job->latency.queue = absl::Now() - job->context.start;
  job->search.top_k = job->input.top_k;
  job->search.exclude_item_ids = job->input.exclude_item_ids;
  std::vector<EncodedImage> encoded;
  std::vector<size_t> image_positions;
  for (size_t i = 0; i < job->input.queries.size(); ++i) {
    const Query& query = job->input.queries[i];
    const std::string& field = job->input.query_fields[i];
    absl::StatusOr<PreparedQuery> prepared = PreparedQuery();
    if (const auto* image = std::get_if<ImageQuery>(&query)) {
      encoded.push_back({.bytes = image->bytes, .field = absl::StrCat(field, ".image")});
      image_positions.push_back(i);
    } else if (const auto* vector = std::get_if<VectorQuery>(&query)) {
      prepared = job->generation->QueryOfVector(*vector);
    } else {
      prepared = job->generation->QueryOfItem(std::get<ItemQuery>(query).id);
    }
    if (!prepared.ok()) {
      return job->done(OfQuery(prepared.status(), field, "item_id"));
    }
    job->search.queries.push_back(*std::move(prepared));
  }
  if (encoded.empty()) {
    return RunSearch(*job);
  }
  absl::StatusOr<std::vector<embedder::Image>> images =
      DecodeAll(encoded, job->generation->embedder().preprocessor(), decode_limits_, job->latency);
  if (!images.ok()) {
    return job->done(images.status());
  }
  job->generation->batcher().Embed(
      *std::move(images), embedder::Priority::kInteractive, job->context.deadline, job->context.cancelled,
      [this, job, positions = std::move(image_positions)](const absl::StatusOr<embedder::EmbedResult>& result) {
        if (!result.ok()) {
          return job->done(result.status());
        }
        job->latency.queue += result->queue;
        job->latency.infer = result->infer;
        const auto dimension = static_cast<std::ptrdiff_t>(job->generation->manifest().dimension());
        auto row = result->vectors.begin();
        for (const size_t position : positions) {
          job->search.queries[position].vector.assign(row, row + dimension);
          row += dimension;
        }
        // Off the batcher's thread, which has the next batch to run. Admitted once: not refused now.
        workers_->Schedule([this, job] { RunSearch(*job); });
      });
}

void Engine::RunSearch(SearchJob& job) {
  const absl::Time start = absl::Now();
  index::IndexSearchResult rows;
  absl::StatusOr<SearchAnswer> answer = job.generation->Search(job.search, &rows);
  if (answer.ok()) {
    answer->latency = job.latency;
    answer->latency.search = absl::Now() - start;
    answer->latency.total = absl::Now() - job.context.start;
    if (options_.metrics != nullptr) {
      options_.metrics->ObserveStages(answer->latency);
    }
    if (job.canary != nullptr) {
      job.canary->CountCanary();
    }
  }
  std::vector<std::shared_ptr<ShadowJob>> shadows;
  if (answer.ok() && !job.shadows.empty()) {
    shadows = ShadowsOf(job, *answer);
  }
  job.done(std::move(answer));
  for (const std::shared_ptr<ShadowJob>& shadow : shadows) {
    bulk_workers_->Schedule([this, shadow] { RunShadow(shadow); });
  }
  // Nobody waits any more. After an error there are no rows.
  ProbeRecall(job, std::move(rows));
}

void Engine::ProbeRecall(const SearchJob& job, index::IndexSearchResult rows) {
  // The generation stays as long as its index is needed.
  const std::shared_ptr<const index::VectorIndex> index(job.generation, &job.generation->index());
  for (size_t i = 0; i < rows.neighbors.size(); ++i) {
    if (recall_probe_->IsDue()) {
      recall_probe_->TryAdd({.index = index,
                             .query = job.search.queries[i].vector,
                             .top_k = job.search.index_top_k(),
                             .neighbors = std::move(rows.neighbors[i]),
                             .applied_sequence = rows.applied_sequence});
    }
  }
}

void Engine::EmbedImages(std::vector<absl::string_view> images, const CallContext& context, const Callback<EmbedAnswer>& done) {
  absl::StatusOr<GenerationPtr> generation = Admit();
  const absl::Status status =
      CheckCount("images", static_cast<int64_t>(images.size()), options_.config.limits().max_embed_images());
  if (!generation.ok() || !status.ok()) {
    return done(generation.ok() ? status : generation.status());
  }
  auto job = std::make_shared<EmbedJob>();
  job->generation = *std::move(generation);
  job->context = context;
  job->images = std::move(images);
  job->done = done;
  Submit(
      *workers_, context, [this, job] { RunEmbed(job); }, done);
}

void Engine::RunEmbed(const std::shared_ptr<EmbedJob>& job) {
  job->latency.queue = absl::Now() - job->context.start;
  std::vector<EncodedImage> encoded;
  for (size_t i = 0; i < job->images.size(); ++i) {
    encoded.push_back({.bytes = job->images[i], .field = absl::StrCat("images[", i, "]")});
  }
  absl::StatusOr<std::vector<embedder::Image>> images =
      DecodeAll(encoded, job->generation->embedder().preprocessor(), decode_limits_, job->latency);
  if (!images.ok()) {
    return job->done(images.status());
  }
  job->generation->batcher().Embed(*std::move(images), embedder::Priority::kInteractive, job->context.deadline,
                                   job->context.cancelled,
                                   [metrics = options_.metrics, job](const absl::StatusOr<embedder::EmbedResult>& result) {
                                     if (!result.ok()) {
                                       return job->done(result.status());
                                     }
                                     EmbedAnswer answer;
                                     const auto dimension = static_cast<std::ptrdiff_t>(job->generation->manifest().dimension());
                                     for (auto row = result->vectors.begin(); row != result->vectors.end(); row += dimension) {
                                       answer.vectors.emplace_back(row, row + dimension);
                                     }
                                     answer.provenance = job->generation->ProvenanceAt(job->generation->index().applied_sequence());
                                     answer.latency = job->latency;
                                     answer.latency.queue += result->queue;
                                     answer.latency.infer = result->infer;
                                     answer.latency.total = absl::Now() - job->context.start;
                                     if (metrics != nullptr) {
                                       metrics->ObserveStages(answer.latency);
                                     }
                                     job->done(std::move(answer));
                                   });
}

}  // namespace semblance::service
