#include <cmath>
#include <string>

#include "embedder/bundle/bundle.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/embedder/bundle/bundle_fixture.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::Architecture;
using ::semblance::storage::v1::BundleManifest;
using ::semblance::testing::FloatTensor;
using ::semblance::testing::SmallBundle;

TEST(EmbeddingSpaceIdTest, DependsOnAllThatChangesAnEmbeddingAndOnNothingElse) {
  const Bundle base = SmallBundle();
  const std::string id = ComputeEmbeddingSpaceId(base.manifest, base.model);
  EXPECT_EQ(id.size(), 7u + 64u);
  const auto id_with = [&](auto change) {
    Bundle bundle = SmallBundle();
    change(&bundle);
    return ComputeEmbeddingSpaceId(bundle.manifest, bundle.model);
  };

  EXPECT_EQ(id_with([](Bundle* b) { b->manifest.set_name("other"); }), id);
  EXPECT_EQ(id_with([](Bundle* b) { b->manifest.add_classes("eel"); }), id);
  EXPECT_NE(id_with([](Bundle* b) { b->model.at("head.bias").data[0] ^= 1; }), id);
  EXPECT_NE(id_with([](Bundle* b) { b->model.at("head.weight").shape = {4, 1}; }), id);
  EXPECT_NE(id_with([](Bundle* b) { b->model.erase("head.bias"); }), id);
  EXPECT_NE(id_with([](Bundle* b) { b->manifest.set_dimension(5); }), id);
  EXPECT_NE(id_with([](Bundle* b) { b->manifest.mutable_architecture()->mutable_small_convnet()->set_convolutions_per_stage(2); }),
            id);
  EXPECT_NE(id_with([](Bundle* b) { b->manifest.mutable_architecture()->mutable_resnet()->set_depth(18); }), id);
  EXPECT_NE(id_with([](Bundle* b) { b->manifest.mutable_preprocessing()->set_resize_side(21); }), id);
  EXPECT_NE(id_with([](Bundle* b) { b->manifest.mutable_preprocessing()->set_mean(0, 0.26F); }), id);
  EXPECT_NE(id_with([](Bundle* b) { b->manifest.mutable_preprocessing()->set_std(0, std::nextafter(0.5F, 1.0F)); }), id);
}

TEST(EmbeddingSpaceIdTest, DoesNotChangeWithValuesThatMeanTheSameAsUnsetOnes) {
  const auto id_with = [](auto change) {
    Bundle bundle = SmallBundle();
    change(bundle.manifest.mutable_architecture());
    return ComputeEmbeddingSpaceId(bundle.manifest, bundle.model);
  };
  const std::string convnet = id_with([](Architecture*) {});
  const std::string resnet = id_with([](Architecture* a) { a->mutable_resnet()->set_depth(18); });

  EXPECT_EQ(id_with([](Architecture* a) { a->set_pooling(Architecture::POOLING_FLATTEN); }), convnet);
  EXPECT_NE(id_with([](Architecture* a) { a->set_pooling(Architecture::POOLING_AVERAGE); }), convnet);
  EXPECT_NE(id_with([](Architecture* a) { a->set_head_layer_norm(true); }), convnet);
  EXPECT_NE(id_with([](Architecture* a) { a->mutable_bn_inception(); }), convnet);
  const auto resnet_with = [&](auto change) {
    return id_with([&](Architecture* a) {
      a->mutable_resnet()->set_depth(18);
      change(a);
    });
  };
  EXPECT_EQ(resnet_with([](Architecture* a) { a->mutable_resnet()->set_base_width(64); }), resnet);
  EXPECT_EQ(resnet_with([](Architecture* a) { a->set_pooling(Architecture::POOLING_AVERAGE); }), resnet);
  EXPECT_NE(resnet_with([](Architecture* a) { a->mutable_resnet()->set_base_width(32); }), resnet);
  EXPECT_NE(resnet_with([](Architecture* a) { a->mutable_resnet()->set_small_image_stem(true); }), resnet);
  EXPECT_NE(resnet_with([](Architecture* a) { a->set_pooling(Architecture::POOLING_MAX); }), resnet);
}

// This is the worked example of docs/bundle_format.md. If the digest changes, every existing bundle gets another id.
TEST(EmbeddingSpaceIdTest, IsTheDocumentedDigest) {
  const Bundle bundle = SmallBundle();

  EXPECT_EQ(ComputeEmbeddingSpaceId(bundle.manifest, bundle.model),
            "sha256:b0f74d4fc6ab94be94bf8a3544edf4fb1e07dbeeeab0ac273b399df0aba2e766");
}

TEST(EmbeddingSpaceIdTest, TellsTensorsApartThatHaveTheSameBytesInARow) {
  const auto id_of = [](const TensorMap& model) { return ComputeEmbeddingSpaceId(SmallBundle().manifest, model); };
  const std::string two = id_of({{"a", FloatTensor({1}, {1})}, {"b", FloatTensor({1}, {2})}});

  EXPECT_NE(id_of({{"a", FloatTensor({2}, {1, 2})}}), two);
  EXPECT_NE(id_of({{"a", FloatTensor({1}, {2})}, {"b", FloatTensor({1}, {1})}}), two);
  EXPECT_NE(id_of({{"a", FloatTensor({1}, {1})}, {"c", FloatTensor({1}, {2})}}), two);
  TensorMap other_type = {{"a", FloatTensor({1}, {1})}, {"b", FloatTensor({1}, {2})}};
  other_type.at("b").dtype = "I32";
  EXPECT_NE(id_of(other_type), two);
}

TEST(EmbeddingSpaceIdTest, DependsOnTheDigestOfATorchScriptProgram) {
  BundleManifest manifest = SmallBundle().manifest;
  manifest.mutable_architecture()->mutable_torch_script();
  manifest.add_files()->set_name(kBundleBackboneFile);
  manifest.mutable_files(0)->set_sha256(std::string(64, 'a'));
  const std::string id = ComputeEmbeddingSpaceId(manifest, {});
  manifest.mutable_files(0)->set_sha256(std::string(64, 'b'));
  EXPECT_NE(ComputeEmbeddingSpaceId(manifest, {}), id);
  manifest.mutable_files(0)->set_sha256(std::string(64, 'a'));
  manifest.add_files()->set_name("report.html");
  EXPECT_EQ(ComputeEmbeddingSpaceId(manifest, {}), id) << "other files are part of no embedding space";
}

}  // namespace
}  // namespace semblance::embedder
