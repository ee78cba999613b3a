#include "service/engine/embed_path.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/engine/limits.h"
#include "service/engine/request_images.h"
#include "service/live/vector_rows.h"

namespace semblance::service {
namespace {

int64_t SizeOf(const std::vector<absl::string_view>& images) {
  int64_t bytes = 0;
  for (const absl::string_view image : images) {
    bytes += static_cast<int64_t>(image.size());
  }
  return bytes;
}

// One request, from its admission to its answer.
class EmbedRequestRun : public std::enable_shared_from_this<EmbedRequestRun> {
 public:
  struct Resources {
    std::shared_ptr<Generation> generation;
    MemoryBudget::Reservation memory;
  };

  EmbedRequestRun(const RequestEnvironment* environment, Resources resources, std::vector<absl::string_view> images,
                  const CallContext& context, Callback<EmbedAnswer> done)
      : token_(environment->in_flight),
        environment_(*environment),
        memory_(std::move(resources.memory)),
        generation_(std::move(resources.generation)),
        images_(std::move(images)),
        context_(context),
        done_(std::move(done)) {}

  // Runs on a worker thread.
  void Decode() {
    latency_.queue = environment_.clock->Now() - context_.start;
    std::vector<EncodedImage> encoded;
    for (size_t i = 0; i < images_.size(); ++i) {
      encoded.push_back({.bytes = images_[i], .field = absl::StrCat("images[", i, "]")});
    }
    absl::StatusOr<std::vector<embedder::Image>> decoded =
        DecodeImages(environment_, *generation_, encoded, context_, latency_.decode);
    if (!decoded.ok()) {
      return done_(decoded.status());
    }
    generation_->batcher().Embed(
        *std::move(decoded), embedder::Priority::kInteractive, context_.deadline, context_.cancelled,
        [self = shared_from_this()](const absl::StatusOr<embedder::EmbedResult>& result) { self->OnEmbedded(result); });
  }

 private:
  void OnEmbedded(const absl::StatusOr<embedder::EmbedResult>& result) {
    if (!result.ok()) {
      return done_(result.status());
    }
    EmbedAnswer answer;
    answer.vectors.reserve(images_.size());
    ForEachRow(result->vectors, generation_->manifest().dimension(),
               [&answer](size_t, absl::Span<const float> vector) { answer.vectors.emplace_back(vector.begin(), vector.end()); });
    answer.provenance = generation_->ProvenanceAt(generation_->index().applied_sequence());
    latency_.queue += result->queue;
    latency_.infer = result->infer;
    latency_.total = environment_.clock->Now() - context_.start;
    answer.latency = latency_;
    environment_.ObserveStages(latency_);
    done_(std::move(answer));
  }

  const RequestsInFlight::Token token_;
  const RequestEnvironment& environment_;
  const MemoryBudget::Reservation memory_;
  const std::shared_ptr<Generation> generation_;
  const std::vector<absl::string_view> images_;
  const CallContext context_;
  const Callback<EmbedAnswer> done_;
  LatencyBreakdown latency_;
};

}  // namespace

void EmbedPath::EmbedImages(std::vector<absl::string_view> images, const CallContext& context, const Callback<EmbedAnswer>& done) {
  absl::StatusOr<std::shared_ptr<Generation>> generation = environment_->state->Admit();
  if (!generation.ok()) {
    return done(generation.status());
  }
  const auto count = static_cast<int64_t>(images.size());
  if (const absl::Status status = CheckCount("images", count, environment_->limits.max_embed_images()); !status.ok()) {
    return done(status);
  }
  absl::StatusOr<MemoryBudget::Reservation> memory =
      environment_->memory->Reserve(SizeOf(images) + BytesWhenDecoded(images.size(), **generation));
  if (!memory.ok()) {
    return done(memory.status());
  }
  LaneWork work = WorkOf(images, generation->get(), embedder::Priority::kInteractive);
  auto run = std::make_shared<EmbedRequestRun>(environment_, EmbedRequestRun::Resources{*std::move(generation), *std::move(memory)},
                                               std::move(images), context, done);
  environment_->threads->Submit(
      Lane::kImages, context, std::move(work), [run = std::move(run)] { run->Decode(); }, done);
}

}  // namespace semblance::service
