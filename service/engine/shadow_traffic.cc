#include "service/engine/shadow_traffic.h"

#include <string>
#include <utility>

#include "service/engine/request_images.h"
#include "service/live/generation_snapshot.h"

namespace semblance::service {
namespace {

bool Busy(const RequestThreads& threads) {
  return threads.queued(Lane::kLookups) > 0 || threads.queued(Lane::kImages) > 0;
}

}  // namespace

// One search in one other generation.
class ShadowTraffic::ShadowRun : public std::enable_shared_from_this<ShadowRun> {
 public:
  ShadowRun(ShadowTraffic* traffic, LiveGenerations::Target target, const SearchInput& input,
            std::shared_ptr<const SearchAnswer> live_answer)
      : token_(traffic->environment_->in_flight),
        running_(traffic->running_),
        environment_(*traffic->environment_),
        target_(std::move(target)),
        live_answer_(std::move(live_answer)) {
    running_.fetch_add(1);
    search_.top_k = input.top_k;
    search_.exclude_item_ids = input.exclude_item_ids;
    for (const Query& query : input.queries) {
      PreparedQuery prepared;
      if (const auto* image = std::get_if<ImageQuery>(&query)) {
        image_positions_.push_back(search_.queries.size());
        images_.emplace_back(image->bytes);
      } else {
        prepared.item_id = std::get<ItemQuery>(query).id;
      }
      search_.queries.push_back(std::move(prepared));
    }
  }
  ~ShadowRun() { running_.fetch_sub(1); }
  ShadowRun(const ShadowRun&) = delete;
  ShadowRun& operator=(const ShadowRun&) = delete;

  void Prepare() {
    if (images_.empty()) {
      SearchAndCompare();
    } else {
      Embed();
    }
  }

 private:
  // Returns false if the generation does not have one of the items.
  bool FillInItems(const GenerationSnapshot& snapshot) {
    for (PreparedQuery& query : search_.queries) {
      if (query.item_id.has_value()) {
        absl::StatusOr<PreparedQuery> prepared = snapshot.QueryOfItem(*query.item_id);
        if (!prepared.ok()) {
          return false;
        }
        query = *std::move(prepared);
      }
    }
    return true;
  }

  void Embed() {
    std::vector<EncodedImage> encoded;
    for (const std::string& image : images_) {
      encoded.push_back({.bytes = image, .field = "image"});
    }
    absl::Duration unused;
    absl::StatusOr<std::vector<embedder::Image>> decoded =
        DecodeImages(environment_, *target_.generation, encoded, CallContext(), unused);
    if (!decoded.ok()) {
      return Drop();
    }
    target_.generation->batcher().Embed(
        *std::move(decoded), embedder::Priority::kBulk, absl::InfiniteFuture(), {},
        [self = shared_from_this()](const absl::StatusOr<embedder::EmbedResult>& result) { self->OnEmbedded(result); });
  }

  // Runs on the batcher's thread, which must start the next batch soon.
  void OnEmbedded(const absl::StatusOr<embedder::EmbedResult>& result) {
    if (!result.ok()) {
      return Drop();
    }
    SetQueryVectors(result->vectors, target_.generation->manifest().dimension(), image_positions_, search_);
    environment_.threads->Continue(Lane::kWrites, [self = shared_from_this()] { self->SearchAndCompare(); });
  }

  void SearchAndCompare() {
    const GenerationSnapshot snapshot(target_.generation.get());
    if (!FillInItems(snapshot)) {
      return Drop();
    }
    const absl::StatusOr<SearchAnswer> answer = snapshot.Search(search_);
    if (!answer.ok()) {
      return Drop();
    }
    target_.counter->CountShadow(OverlapOf(*live_answer_, *answer));
  }

  void Drop() { target_.counter->CountDroppedShadow(); }

  const RequestsInFlight::Token token_;
  std::atomic<int>& running_;
  const RequestEnvironment& environment_;
  const LiveGenerations::Target target_;
  const std::shared_ptr<const SearchAnswer> live_answer_;
  std::vector<std::string> images_;
  // The positions of the queries that the images belong to.
  std::vector<size_t> image_positions_;
  GenerationSearch search_;
};

ShadowTraffic::Comparisons ShadowTraffic::Prepare(const std::vector<LiveGenerations::Target>& targets, const SearchInput& input,
                                                  const SearchAnswer& answer) {
  Comparisons comparisons;
  if (targets.empty()) {
    return comparisons;
  }
  const auto live_answer = std::make_shared<const SearchAnswer>(answer);
  for (const LiveGenerations::Target& target : targets) {
    if (Busy(*environment_->threads) || running_.load() >= kMaxRunning) {
      target.counter->CountDroppedShadow();
    } else {
      comparisons.push_back(std::make_shared<ShadowRun>(this, target, input, live_answer));
    }
  }
  return comparisons;
}

void ShadowTraffic::Start(Comparisons comparisons) {
  for (std::shared_ptr<ShadowRun>& run : comparisons) {
    environment_->threads->Continue(Lane::kWrites, [run = std::move(run)] { run->Prepare(); });
  }
}

}  // namespace semblance::service
