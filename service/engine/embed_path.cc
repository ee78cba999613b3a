#include "service/engine/embed_path.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "service/engine/limits.h"
#include "service/engine/request_images.h"
#include "service/live/vector_rows.h"

namespace semblance::service {
namespace {

// One request, from its admission to its answer.
class EmbedRequestRun : public std::enable_shared_from_this<EmbedRequestRun> {
 public:
  EmbedRequestRun(const RequestEnvironment* environment, std::shared_ptr<Generation> generation,
                  std::vector<absl::string_view> images, const CallContext& context, Callback<EmbedAnswer> done)
      : token_(environment->in_flight),
        environment_(*environment),
        generation_(std::move(generation)),
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
  auto run = std::make_shared<EmbedRequestRun>(environment_, *std::move(generation), std::move(images), context, done);
  environment_->threads->Submit(
      embedder::Priority::kInteractive, context, [run = std::move(run)] { run->Decode(); }, done);
}

}  // namespace semblance::service
