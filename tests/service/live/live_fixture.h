// Generations over a temporary directory, with FakeEmbedders as their models, and a catalog whose calls wait for their answers.
#ifndef SEMBLANCE_TESTS_SERVICE_LIVE_LIVE_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_LIVE_LIVE_FIXTURE_H_

#include <cmath>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catalog/catalog.h"
#include "config/server_config.h"
#include "embedder/bundle/bundle.h"
#include "generation/generation_store.h"
#include "gtest/gtest.h"
#include "service/live/generation.h"
#include "service/live/generation_loader.h"
#include "service/live/generation_snapshot.h"
#include "tests/testing/fake_embedder.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_images.h"

namespace semblance::testing {

inline constexpr int kDimension = 6;

// A model with this name returns vectors that are not of unit length.
inline constexpr char kUnsoundModel[] = "unsound";

// An embedder with the manifest of a real bundle, but without a network. Each embedding space stretches the axes in its own way, so
// that vectors of two spaces are incompatible and have different neighbors.
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
    const float length = bundle_manifest_.name() == kUnsoundModel ? 1 : std::sqrt(squared_norm);
    for (float& value : vector) {
      value /= length;
    }
  }

  const storage::v1::BundleManifest bundle_manifest_;
};

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

// Writes a bundle to `directory`. Different weights make different embedding spaces.
inline void WriteFakeModel(const std::string& directory, char weight, const std::string& name = "fake") {
  embedder::Bundle bundle;
  bundle.manifest.set_name(name);
  bundle.manifest.set_dimension(kDimension);
  bundle.manifest.mutable_architecture()->mutable_small_convnet()->add_channels(1);
  bundle.manifest.mutable_architecture()->mutable_small_convnet()->set_convolutions_per_stage(1);
  *bundle.manifest.mutable_preprocessing() = FakeEmbedder(kDimension).manifest().preprocessing();
  bundle.manifest.add_classes("only");
  bundle.model["weight"] = {.dtype = "F32", .shape = {1}, .data = std::string(4, weight)};
  bundle.proxies["proxies"] = {.dtype = "F32", .shape = {1, kDimension}, .data = ""};
  const float unit[kDimension] = {1};
  bundle.proxies["proxies"].data.assign(reinterpret_cast<const char*>(unit), sizeof(unit));
  EXPECT_OK(embedder::WriteBundle(directory, bundle));
}

inline absl::StatusOr<std::unique_ptr<BundledFakeEmbedder>> NewBundledFakeEmbedder(const std::string& directory) {
  auto manifest = embedder::ReadBundleManifest(directory);
  if (!manifest.ok()) {
    return manifest.status();
  }
  return std::make_unique<BundledFakeEmbedder>(*std::move(manifest));
}

class LiveFixture {
 public:
  LiveFixture() {
    auto opened = catalog::OpenSqliteCatalog(dir_.Join("catalogue.db"), {});
    EXPECT_OK(opened);
    catalog_ = *std::move(opened);
    auto store = generation::GenerationStore::Open(dir_.path());
    EXPECT_OK(store);
    store_ = std::make_unique<generation::GenerationStore>(*std::move(store));
    v1::IndexConfig index;
    index.set_factory("Flat");
    *loader_.config.mutable_index() = *config::CompleteIndexConfig(index);
    loader_.config.mutable_batching()->set_max_queued_images(64);
    loader_.new_embedder = [this](const std::string& directory) -> absl::StatusOr<std::unique_ptr<embedder::Embedder>> {
      auto embedder = NewBundledFakeEmbedder(directory);
      if (!embedder.ok()) {
        return embedder.status();
      }
      embedder_ = embedder->get();
      return *std::move(embedder);
    };
  }

  catalog::Catalog& catalog() { return *catalog_; }
  generation::GenerationStore& store() { return *store_; }
  service::GenerationLoaderOptions& loader() { return loader_; }
  std::string ModelDir(char weight) const { return dir_.Join(absl::StrCat("model", static_cast<int>(weight))); }

  catalog::WriteResult Upsert(std::vector<catalog::ItemWrite> items) {
    const auto written = Await<catalog::WriteResult>([&](auto done) { catalog_->Upsert(std::move(items), std::move(done)); });
    EXPECT_OK(written);
    return written.value_or(catalog::WriteResult());
  }

  catalog::WriteResult Delete(std::vector<std::string> ids) {
    const auto written = Await<catalog::WriteResult>([&](auto done) { catalog_->Delete(std::move(ids), std::move(done)); });
    EXPECT_OK(written);
    return written.value_or(catalog::WriteResult());
  }

  // Returns the manifest of a new generation of a new model.
  storage::v1::GenerationManifest Create(char weight) {
    WriteFakeModel(ModelDir(weight), weight);
    storage::v1::GenerationRecord record;
    record.set_phase(storage::v1::GenerationRecord::PHASE_READY);
    auto manifest = store_->Create(ModelDir(weight), {}, record);
    EXPECT_OK(manifest);
    return manifest.value_or(storage::v1::GenerationManifest());
  }

  // Makes a new generation of a new model, at the catalog's present sequence.
  std::shared_ptr<service::Generation> Load(char weight) {
    auto loaded = service::LoadGeneration(*store_, Create(weight), *catalog_, loader_);
    EXPECT_OK(loaded);
    return *std::move(loaded);
  }

  // The model of the generation that was loaded last.
  BundledFakeEmbedder& embedder() { return *embedder_; }

  // Expects that the generation has the items of `model` (id to picture), with the vectors of its own space, and no others.
  static void ExpectHas(const service::Generation& generation, const std::map<std::string, uint32_t>& model) {
    EXPECT_EQ(generation.index().Stats().live_rows, static_cast<int64_t>(model.size()));
    EXPECT_EQ(generation.Records().size(), model.size());
    for (const auto& [id, picture] : model) {
      const auto query = service::GenerationSnapshot(&generation).QueryOfItem(id);
      ASSERT_OK(query) << id;
      const std::vector<float> expected =
          static_cast<const BundledFakeEmbedder&>(generation.embedder()).VectorOf(NoiseImage(8, 8, 1, picture));
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(query->vector[i], expected[i], 1e-5) << id;
      }
    }
  }

 private:
  const TempDir dir_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<generation::GenerationStore> store_;
  service::GenerationLoaderOptions loader_;
  BundledFakeEmbedder* embedder_ = nullptr;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_LIVE_LIVE_FIXTURE_H_
