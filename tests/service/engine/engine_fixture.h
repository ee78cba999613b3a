// An engine over a temporary directory, with a FakeEmbedder as its model, and calls that wait for their answer.
#ifndef SEMBLANCE_TESTS_SERVICE_ENGINE_ENGINE_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_ENGINE_ENGINE_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/error.h"
#include "config/server_config.h"
#include "service/engine/engine.h"
#include "service/engine/limits.h"
#include "tests/service/engine/fake_engine_metrics.h"
#include "tests/service/live/live_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {

inline service::CallContext Now() {
  return {.deadline = absl::InfiniteFuture(), .cancelled = {}, .start = absl::Now()};
}

class EngineFixture {
 public:
  EngineFixture() {
    config_.mutable_index()->set_factory("Flat");
    config_.mutable_index()->set_seal_rows(16);
    WriteModel("model", 1);
  }

  // Writes a bundle named `name`. Different weights make different embedding spaces.
  void WriteModel(const std::string& name, char weight) { WriteFakeModel(ModelDir(name), weight); }

  std::string ModelDir(const std::string& name) const { return dir_.Join(name); }

  // Opens the engine with the generation of a model. With "", opens it with the generation that was active before.
  absl::Status Start(const std::string& model) {
    Stop();
    auto catalog = catalog::OpenSqliteCatalog(dir_.Join("catalogue.db"), {});
    EXPECT_OK(catalog);
    auto store = generation::GenerationStore::Open(dir_.path());
    EXPECT_OK(store);
    service::EngineOptions options;
    options.config = *config::CompleteServerConfig(config_);
    options.new_embedder = [this](const std::string& directory) -> absl::StatusOr<std::unique_ptr<embedder::Embedder>> {
      auto embedder = NewBundledFakeEmbedder(directory);
      if (!embedder.ok()) {
        return embedder.status();
      }
      embedder_ = embedder->get();
      return *std::move(embedder);
    };
    options.metrics = &metrics_;
    options.clock = clock_;
    engine_ = std::make_unique<service::Engine>(std::move(options), *std::move(catalog), *std::move(store));
    return engine_->Start(model.empty() ? "" : ModelDir(model));
  }

  void Stop() { engine_.reset(); }

  const std::string& data_dir() const { return dir_.path(); }

  v1::ServerConfig& config() { return config_; }
  // Must be called before Start. The clock must outlive the engine.
  void set_clock(Clock* clock) { clock_ = clock; }

  // Loads a generation of the model beside the active one. Returns its id.
  std::string AddGeneration(const std::string& model) {
    storage::v1::GenerationRecord record;
    record.set_phase(storage::v1::GenerationRecord::PHASE_READY);
    const auto manifest = engine_->store().Create(ModelDir(model), {}, record);
    EXPECT_OK(manifest);
    auto generation = service::LoadGeneration(engine_->store(), *manifest, engine_->catalog(), engine_->loader_options());
    EXPECT_OK(generation);
    EXPECT_OK(engine_->live().Add(*std::move(generation), nullptr));
    return manifest->id();
  }
  service::Engine& engine() { return *engine_; }
  FakeEngineMetrics& metrics() { return metrics_; }
  // The model of the generation that was loaded last.
  BundledFakeEmbedder& embedder() { return *embedder_; }

  // Makes the model overflow on a picture.
  void FailOnPicture(uint32_t picture) {
    embedder_->FailOn(NoiseImage(8, 8, 1, picture).pixels[0],
                      Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_VECTOR, "the embedding is NaN"));
  }

  std::vector<float> VectorOf(uint32_t picture) { return embedder_->VectorOf(NoiseImage(8, 8, 1, picture)); }

  absl::StatusOr<service::WriteAnswer> Upsert(std::vector<catalog::ItemWrite> items) {
    return Await<service::WriteAnswer>([&](auto done) { engine_->Upsert(std::move(items), Now(), done); });
  }

  absl::StatusOr<service::WriteAnswer> Delete(std::vector<std::string> ids) {
    return Await<service::WriteAnswer>([&](auto done) { engine_->Delete(std::move(ids), Now(), done); });
  }

  absl::StatusOr<service::EmbedAnswer> Embed(std::vector<absl::string_view> images) {
    return Await<service::EmbedAnswer>([&](auto done) { engine_->EmbedImages(std::move(images), Now(), done); });
  }

  absl::StatusOr<service::SearchAnswer> Search(service::SearchInput input, const service::CallContext& context = Now()) {
    return Await<service::SearchAnswer>([&](auto done) { engine_->Search(std::move(input), context, done); });
  }

  static service::SearchInput InputOf(service::Query query, int top_k) {
    service::SearchInput input;
    input.queries.push_back(std::move(query));
    input.query_fields.emplace_back("query");
    input.top_k = top_k;
    return input;
  }

  // Returns the ids that a search by a picture finds.
  std::vector<std::string> IdsFoundBy(uint32_t picture, int top_k) {
    const std::string image = PictureOf(picture);
    const auto answer = Search(InputOf(service::ImageQuery{.bytes = image}, top_k));
    EXPECT_OK(answer);
    return answer.ok() ? IdsOf(answer->results.front()) : std::vector<std::string>();
  }

  static std::vector<std::string> IdsOf(const std::vector<service::FoundItem>& found) {
    std::vector<std::string> ids;
    for (const service::FoundItem& item : found) {
      ids.push_back(item.item->id);
    }
    return ids;
  }

 private:
  const TempDir dir_;
  SystemClock system_clock_;
  Clock* clock_ = &system_clock_;
  FakeEngineMetrics metrics_;
  v1::ServerConfig config_;
  BundledFakeEmbedder* embedder_ = nullptr;
  std::unique_ptr<service::Engine> engine_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_ENGINE_ENGINE_FIXTURE_H_
