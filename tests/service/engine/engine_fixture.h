// An engine over a temporary directory whose model is a FakeEmbedder, with calls that wait for their answer.
#ifndef SEMBLANCE_TESTS_SERVICE_ENGINE_ENGINE_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_ENGINE_ENGINE_FIXTURE_H_

#include <cmath>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "embedder/bundle/bundle.h"
#include "service/engine/engine.h"
#include "service/engine/limits.h"
#include "tests/testing/fake_embedder.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_images.h"

namespace semblance::testing {

inline constexpr int kDimension = 6;

// The manifest of a real bundle on a network that is none. Each embedding space stretches the axes in its own way, so that vectors
// of two spaces do not fit together and have other neighbours.
class BundledFakeEmbedder final : public FakeEmbedder {
 public:
  explicit BundledFakeEmbedder(storage::v1::BundleManifest manifest)
      : FakeEmbedder(manifest.dimension()), bundle_manifest_(std::move(manifest)) {}
  const storage::v1::BundleManifest& manifest() const override { return bundle_manifest_; }

  absl::Status Embed(absl::Span<const embedder::Image> images, absl::Span<float> out) const override {
    absl::Status status = FakeEmbedder::Embed(images, out);
    for (size_t i = 0; i < images.size(); ++i) {
      Stretch(out.subspan(i * static_cast<size_t>(dimension()), static_cast<size_t>(dimension())));
    }
    return status;
  }

  std::vector<float> VectorOf(const embedder::Image& image) const {
    std::vector<float> vector = FakeEmbedder::VectorOf(image);
    Stretch(absl::MakeSpan(vector));
    return vector;
  }

 private:
  void Stretch(absl::Span<float> vector) const {
    // The first digits of "sha256:...".
    const float stretch = static_cast<float>(std::stoul(bundle_manifest_.embedding_space_id().substr(7, 4), nullptr, 16)) / 16384;
    float squared_norm = 0;
    for (size_t i = 0; i < vector.size(); ++i) {
      vector[i] *= 1 + stretch * static_cast<float>(i);
      squared_norm += vector[i] * vector[i];
    }
    for (float& value : vector) {
      value /= std::sqrt(squared_norm);
    }
  }

  const storage::v1::BundleManifest bundle_manifest_;
};

inline service::CallContext Now() {
  return {.deadline = absl::InfiniteFuture(), .cancelled = {}, .start = absl::Now()};
}

// Runs an asynchronous call and waits for its answer.
template <typename T, typename Call>
absl::StatusOr<T> Await(const Call& call) {
  std::promise<absl::StatusOr<T>> answer;
  call([&answer](absl::StatusOr<T> result) { answer.set_value(std::move(result)); });
  return answer.get_future().get();
}

inline std::string PictureOf(uint32_t seed) {
  return EncodePng(NoiseImage(8, 8, 1, seed));
}

inline catalog::ItemWrite ItemOf(const std::string& id, uint32_t picture) {
  return {.id = id, .image = PictureOf(picture), .label = absl::StrCat("picture ", picture), .attributes = {}};
}

class EngineFixture {
 public:
  EngineFixture() {
    config_.mutable_index()->set_factory("Flat");
    config_.mutable_index()->set_seal_rows(16);
    WriteModel("model", 1);
  }

  // A bundle named `name` in the directory; different weights make different embedding spaces.
  void WriteModel(const std::string& name, char weight) {
    embedder::Bundle bundle;
    bundle.manifest.set_name("fake");
    bundle.manifest.set_dimension(kDimension);
    bundle.manifest.mutable_architecture()->mutable_small_convnet()->add_channels(1);
    bundle.manifest.mutable_architecture()->mutable_small_convnet()->set_convolutions_per_stage(1);
    *bundle.manifest.mutable_preprocessing() = FakeEmbedder(kDimension).manifest().preprocessing();
    bundle.manifest.add_classes("only");
    bundle.model["weight"] = {.dtype = "F32", .shape = {1}, .data = std::string(4, weight)};
    bundle.proxies["proxies"] = {.dtype = "F32", .shape = {1, kDimension}, .data = ""};
    const float unit[kDimension] = {1};
    bundle.proxies["proxies"].data.assign(reinterpret_cast<const char*>(unit), sizeof(unit));
    EXPECT_OK(embedder::WriteBundle(ModelDir(name), bundle));
  }

  std::string ModelDir(const std::string& name) const { return dir_.Join(name); }

  // Opens the engine; a model name, or "" for the one that was active before.
  absl::Status Start(const std::string& model) {
    Stop();
    auto catalog = catalog::OpenSqliteCatalog(dir_.Join("catalogue.db"), {});
    EXPECT_OK(catalog);
    auto store = generation::GenerationStore::Open(dir_.path());
    EXPECT_OK(store);
    service::EngineOptions options;
    options.config = *service::CompleteServerConfig(config_);
    options.new_embedder = [this](const std::string& directory) -> absl::StatusOr<std::unique_ptr<embedder::Embedder>> {
      auto manifest = embedder::ReadBundleManifest(directory);
      if (!manifest.ok()) {
        return manifest.status();
      }
      auto embedder = std::make_unique<BundledFakeEmbedder>(*std::move(manifest));
      embedder_ = embedder.get();
      return embedder;
    };
    engine_ = std::make_unique<service::Engine>(std::move(options), *std::move(catalog), *std::move(store));
    return engine_->Start(model.empty() ? "" : ModelDir(model));
  }

  void Stop() { engine_.reset(); }

  const std::string& data_dir() const { return dir_.path(); }

  v1::ServerConfig& config() { return config_; }
  service::Engine& engine() { return *engine_; }
  // Of the active generation.
  BundledFakeEmbedder& embedder() { return *embedder_; }

  std::vector<float> VectorOf(uint32_t picture) { return embedder_->VectorOf(NoiseImage(8, 8, 1, picture)); }

  absl::StatusOr<service::WriteAnswer> Upsert(std::vector<catalog::ItemWrite> items) {
    return Await<service::WriteAnswer>([&](auto done) { engine_->Upsert(std::move(items), Now(), done); });
  }

  absl::StatusOr<service::WriteAnswer> Delete(std::vector<std::string> ids) {
    return Await<service::WriteAnswer>([&](auto done) { engine_->Delete(std::move(ids), Now(), done); });
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

  // The ids found by a picture.
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
  v1::ServerConfig config_;
  BundledFakeEmbedder* embedder_ = nullptr;
  std::unique_ptr<service::Engine> engine_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_ENGINE_ENGINE_FIXTURE_H_
