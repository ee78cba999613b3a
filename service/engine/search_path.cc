#include "service/engine/search_path.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "service/engine/limits.h"
#include "service/engine/request_images.h"
#include "service/live/generation_snapshot.h"

namespace semblance::service {
namespace {

constexpr absl::Duration kRetryWhenBehind = absl::Milliseconds(100);

// Turns "image" and "query" into "query.image". Errors without a field, such as a missing item, name the part of the query.
absl::Status WithQueryField(absl::Status status, const std::string& query_field, absl::string_view part) {
  const bool has_field = !ErrorField(status).empty();
  return WithFieldPrefix(std::move(status), has_field ? query_field : absl::StrCat(query_field, ".", part));
}

absl::Status CheckMinSequence(uint64_t min_sequence, uint64_t applied) {
  if (min_sequence <= applied) {
    return absl::OkStatus();
  }
  absl::Status status = Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_SEQUENCE_NOT_APPLIED,
                              absl::StrCat("min_sequence is ", min_sequence, "; this server has applied ", applied));
  return WithRetryDelay(WithFieldPrefix(std::move(status), "min_sequence"), kRetryWhenBehind);
}

// A vector belongs to the space of one generation; images and items can be searched in any.
bool HasVectorQuery(const SearchInput& input) {
  return std::any_of(input.queries.begin(), input.queries.end(),
                     [](const Query& query) { return std::holds_alternative<VectorQuery>(query); });
}

std::vector<absl::string_view> ImagesOf(const SearchInput& input) {
  std::vector<absl::string_view> images;
  for (const Query& query : input.queries) {
    if (const auto* image = std::get_if<ImageQuery>(&query)) {
      images.push_back(image->bytes);
    }
  }
  return images;
}

// The memory that the input and the client's message take together.
int64_t SizeOf(const SearchInput& input) {
  size_t bytes = 0;
  for (const Query& query : input.queries) {
    if (const auto* image = std::get_if<ImageQuery>(&query)) {
      bytes += image->bytes.size();
    } else if (const auto* vector = std::get_if<VectorQuery>(&query)) {
      bytes += 2 * vector->values.size() * sizeof(float);
    }
  }
  for (const std::string& id : input.exclude_item_ids) {
    bytes += 2 * (sizeof(id) + id.size());
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace

// One search, from its admission to its answer.
class SearchPath::SearchRequestRun : public std::enable_shared_from_this<SearchRequestRun> {
 public:
  SearchRequestRun(const SearchPath* path, LiveGenerations::Route route, SearchInput input, const CallContext& context,
                   Callback<SearchAnswer> done)
      : token_(path->environment_->in_flight),
        path_(*path),
        environment_(*path->environment_),
        route_(std::move(route)),
        generation_(*route_.answers.generation),
        input_(std::move(input)),
        context_(context),
        done_(std::move(done)) {}

  // Keeps a reservation until the search ends.
  void Hold(MemoryBudget::Reservation memory) { memory_ = std::move(memory); }

  // Runs on a worker thread. Checks the queries, and has the images embedded.
  void Prepare() {
    latency_.queue = environment_.clock->Now() - context_.start;
    search_.top_k = input_.top_k;
    search_.exclude_item_ids = input_.exclude_item_ids;
    QueryImages images;
    for (size_t i = 0; i < input_.queries.size(); ++i) {
      absl::StatusOr<PreparedQuery> prepared = PrepareQuery(i, images);
      if (!prepared.ok()) {
        return done_(WithQueryField(prepared.status(), input_.query_fields[i], "item_id"));
      }
      search_.queries.push_back(*std::move(prepared));
    }
    if (images.images.empty()) {
      SearchIndex();
    } else {
      Embed(std::move(images));
    }
  }

 private:
  // The vector of an image query comes later. Its image is added to `images`. The vector of an item is looked up by the search, so
  // that both see the same applied sequence.
  absl::StatusOr<PreparedQuery> PrepareQuery(size_t position, QueryImages& images) const {
    const Query& query = input_.queries[position];
    if (const auto* image = std::get_if<ImageQuery>(&query)) {
      images.images.push_back({.bytes = image->bytes, .field = absl::StrCat(input_.query_fields[position], ".image")});
      images.positions.push_back(position);
      return PreparedQuery();
    }
    if (const auto* vector = std::get_if<VectorQuery>(&query)) {
      return generation_.QueryOfVector(*vector);
    }
    const std::string& id = std::get<ItemQuery>(query).id;
    if (!generation_.items().SequenceOf(id).has_value()) {
      return ItemNotFound(id);
    }
    return PreparedQuery{.vector = {}, .item_id = id};
  }

  void Embed(QueryImages images) {
    absl::StatusOr<std::vector<embedder::Image>> decoded =
        DecodeImages(environment_, generation_, images.images, context_, latency_.decode);
    if (!decoded.ok()) {
      return done_(decoded.status());
    }
    image_positions_ = std::move(images.positions);
    for (EncodedImage& image : images.images) {
      image_fields_.push_back(std::move(image.field));
    }
    generation_.batcher().Embed(
        *std::move(decoded), embedder::Priority::kInteractive, context_.deadline, context_.cancelled,
        [self = shared_from_this()](const absl::StatusOr<embedder::EmbedResult>& result) { self->OnEmbedded(result); });
  }

  // Runs on the batcher's thread, which must start the next batch soon. So the search goes to a worker: one of those that decode no
  // images, so that it does not wait for other requests that come later.
  void OnEmbedded(const absl::StatusOr<embedder::EmbedResult>& result) {
    if (!result.ok()) {
      return done_(WithFieldOfImage(result.status(), image_fields_));
    }
    latency_.queue += result->queue;
    latency_.infer = result->infer;
    SetQueryVectors(result->vectors, generation_.manifest().dimension(), image_positions_, search_);
    environment_.threads->Continue(Lane::kLookups, [self = shared_from_this()] { self->SearchIndex(); });
  }

  // Looks up the vectors of the items that are queries.
  absl::Status FillInItems(const GenerationSnapshot& snapshot) {
    for (size_t i = 0; i < search_.queries.size(); ++i) {
      if (search_.queries[i].item_id.has_value()) {
        absl::StatusOr<PreparedQuery> query = snapshot.QueryOfItem(*search_.queries[i].item_id);
        if (!query.ok()) {
          return WithQueryField(query.status(), input_.query_fields[i], "item_id");
        }
        search_.queries[i] = *std::move(query);
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<SearchAnswer> SearchSnapshot(index::IndexSearchResult& rows) {
    const GenerationSnapshot snapshot(&generation_);
    SEMBLANCE_RETURN_IF_ERROR(FillInItems(snapshot));
    return snapshot.Search(search_, &rows);
  }

  void SearchIndex() {
    const absl::Time start = environment_.clock->Now();
    index::IndexSearchResult rows;
    absl::StatusOr<SearchAnswer> answer = SearchSnapshot(rows);
    if (!answer.ok()) {
      return done_(answer.status());
    }
    latency_.search = environment_.clock->Now() - start;
    latency_.total = environment_.clock->Now() - context_.start;
    answer->latency = latency_;
    environment_.ObserveStages(latency_);
    if (route_.answers.counter != nullptr) {
      route_.answers.counter->CountCanary();
    }
    // This comes before the answer, because the client's images are gone afterwards.
    ShadowTraffic::Comparisons comparisons = path_.shadows_->Prepare(route_.shadows, input_, *answer);
    done_(std::move(answer));
    // The client no longer waits for this search.
    path_.shadows_->Start(std::move(comparisons));
    ProbeRecall(std::move(rows));
  }

  // Hands some of the answered queries to the probe.
  void ProbeRecall(index::IndexSearchResult rows) const {
    // Shares the generation, because the probe needs its index for a while.
    const std::shared_ptr<const index::VectorIndex> index(route_.answers.generation, &generation_.index());
    for (size_t i = 0; i < rows.neighbors.size(); ++i) {
      if (path_.recall_probe_->IsDue()) {
        path_.recall_probe_->TryAdd({.index = index,
                                     .query = search_.queries[i].vector,
                                     .top_k = search_.index_top_k(),
                                     .neighbors = std::move(rows.neighbors[i]),
                                     .applied_sequence = rows.applied_sequence});
      }
    }
  }

  const RequestsInFlight::Token token_;
  const SearchPath& path_;
  const RequestEnvironment& environment_;
  // Keeps the generation alive.
  const LiveGenerations::Route route_;
  const Generation& generation_;
  const SearchInput input_;
  const CallContext context_;
  const Callback<SearchAnswer> done_;
  MemoryBudget::Reservation memory_;
  GenerationSearch search_;
  // The positions of the queries that the embedded images belong to.
  std::vector<size_t> image_positions_;
  // Their paths in the client's request.
  std::vector<std::string> image_fields_;
  LatencyBreakdown latency_;
};

SearchPath::SearchPath(const RequestEnvironment* environment, ShadowTraffic* shadows, RecallProbe* recall_probe)
    : environment_(environment), shadows_(shadows), recall_probe_(recall_probe) {}

void SearchPath::Search(SearchInput input, const CallContext& context, const Callback<SearchAnswer>& done) {
  absl::StatusOr<LiveGenerations::Route> route = RouteOf(input);
  if (!route.ok()) {
    return done(route.status());
  }
  absl::Status status = CheckSearch(input, environment_->limits);
  if (status.ok()) {
    status = CheckMinSequence(input.min_sequence, route->answers.generation->index().applied_sequence());
  }
  if (!status.ok()) {
    return done(status);
  }
  const std::vector<absl::string_view> images = ImagesOf(input);
  absl::StatusOr<MemoryBudget::Reservation> memory =
      environment_->memory->Reserve(SizeOf(input) + BytesWhenDecoded(images.size(), *route->answers.generation));
  if (!memory.ok()) {
    return done(memory.status());
  }
  const Lane lane = images.empty() ? Lane::kLookups : Lane::kImages;
  LaneWork work = images.empty() ? LaneWork{.cost = static_cast<double>(input.queries.size())}
                                 : WorkOf(images, route->answers.generation.get(), embedder::Priority::kInteractive);
  auto run = std::make_shared<SearchRequestRun>(this, *std::move(route), std::move(input), context, done);
  run->Hold(*std::move(memory));
  environment_->threads->Submit(
      lane, context, std::move(work), [run = std::move(run)] { run->Prepare(); }, done);
}

absl::StatusOr<LiveGenerations::Route> SearchPath::RouteOf(const SearchInput& input) const {
  if (!input.generation.empty()) {
    return RouteToNamed(input.generation);
  }
  SEMBLANCE_ASSIGN_OR_RETURN(LiveGenerations::Ptr active, environment_->state->Admit());
  LiveGenerations::Route route = environment_->live->RouteOf(input.routing_key);
  const bool only_active = HasVectorQuery(input);
  if (only_active) {
    route.shadows.clear();
  }
  const Generation* answers = route.answers.generation.get();
  // A canary may lag behind the sequence that the client has seen.
  if (answers == nullptr || only_active || answers->index().applied_sequence() < input.min_sequence) {
    route.answers = {.generation = std::move(active), .counter = nullptr};
  }
  return route;
}

absl::StatusOr<LiveGenerations::Route> SearchPath::RouteToNamed(const std::string& id) const {
  SEMBLANCE_RETURN_IF_ERROR(environment_->state->CheckServing());
  LiveGenerations::Ptr generation = environment_->live->Find(id);
  if (generation != nullptr) {
    return LiveGenerations::Route{.answers = {.generation = std::move(generation), .counter = nullptr}, .shadows = {}};
  }
  const absl::Status known = environment_->store->ReadManifest(id).status();
  absl::Status status = absl::IsNotFound(known)
                            ? known
                            : Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GENERATION_NOT_READY,
                                    absl::StrCat("generation ", id, " is not loaded; it answers once it is READY"));
  return WithFieldPrefix(std::move(status), "generation");
}

}  // namespace semblance::service
