#include "builder/builder.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/builder/builder_fixture.h"
#include "tests/testing/fake_bundle.h"
#include "tests/testing/fake_embedder.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::testing {
namespace {

using ::semblance::storage::v1::BuildManifest;
using ::semblance::storage::v1::BuildProgress;
using ::semblance::storage::v1::GenerationManifest;
using ::semblance::storage::v1::GenerationRecord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kDimension = 6;
constexpr int kItems = 60;

embedder::Image PictureOf(uint32_t seed) {
  return NoiseImage(8, 8, 1, seed);
}

// An embedder with the manifest of a bundle. It tells the test about each batch, then passes the batch to the embedder of the test.
class WatchedEmbedder final : public embedder::Embedder {
 public:
  WatchedEmbedder(storage::v1::BundleManifest manifest, const FakeEmbedder& fake, const std::function<void()>& before_batch)
      : manifest_(std::move(manifest)), fake_(fake), before_batch_(before_batch) {}

  const storage::v1::BundleManifest& manifest() const override { return manifest_; }
  const embedder::Preprocessor& preprocessor() const override { return fake_.preprocessor(); }
  const std::string& device() const override { return fake_.device(); }
  absl::Status Embed(absl::Span<const embedder::Image> images, absl::Span<float> out) const override {
    if (before_batch_) {
      before_batch_();
    }
    return fake_.Embed(images, out);
  }

 private:
  const storage::v1::BundleManifest manifest_;
  const FakeEmbedder& fake_;
  const std::function<void()>& before_batch_;
};

class BuilderTest : public BuilderFixture {
 protected:
  BuilderTest() {
    WriteFakeBundle(models_.Join("model"), kDimension);
    generation_ = CreateGeneration(models_.Join("model"));
  }

  // Writes items whose pictures show their numbers.
  void Fill() {
    std::vector<catalog::ItemWrite> items;
    for (uint32_t i = 0; i < kItems; ++i) {
      items.push_back(ItemWithImage(absl::StrCat("item-", i), EncodePng(PictureOf(i))));
    }
    EXPECT_OK(UpsertAndWait(*catalog_, std::move(items)));
  }

  builder::BuildOptions Options() {
    builder::BuildOptions options;
    options.data_dir = data_.path();
    options.generation_id = generation_;
    options.index = SmallSegments();
    options.batch_size = 4;
    options.stop = stop_.get_token();
    options.new_embedder = [this](const std::string& directory) -> absl::StatusOr<std::unique_ptr<embedder::Embedder>> {
      ++loaded_;
      auto manifest = embedder::ReadBundleManifest(directory);
      EXPECT_OK(manifest);
      return std::make_unique<WatchedEmbedder>(*std::move(manifest), embedder_, before_batch_);
    };
    return options;
  }

  absl::Status Run() { return builder::BuildGeneration(Options()); }

  int64_t EmbeddedImages() const {
    int64_t count = 0;
    for (const auto& call : embedder_.calls()) {
      count += static_cast<int64_t>(call.size());
    }
    return count;
  }

  BuildManifest BuildJson() {
    const auto build = store_.ReadBuild(generation_);
    EXPECT_OK(build);
    EXPECT_TRUE(build->has_value());
    return build->value_or(BuildManifest());
  }

  bool IsBuilt() { return store_.ReadBuild(generation_)->has_value(); }

  BuildProgress Progress() { return *store_.ReadProgress(generation_); }

  // Expects the rows of kItems items.
  void ExpectAllRows() {
    const std::map<std::string, std::vector<float>> rows = RowsOf(generation_);
    EXPECT_THAT(rows, SizeIs(kItems));
    for (int i = 0; i < kItems; ++i) {
      EXPECT_EQ(rows.at(absl::StrCat("item-", i)), embedder_.VectorOf(PictureOf(static_cast<uint32_t>(i))));
    }
  }

  FakeEmbedder embedder_{kDimension};
  std::function<void()> before_batch_;
  std::stop_source stop_;
  int loaded_ = 0;
  std::string generation_;
};

TEST_F(BuilderTest, BuildsAnIndexThatAnswersAsOneThatWasBuiltDirectly) {
  Fill();
  builder::BuildOptions options = Options();
  options.threads = 3;
  ASSERT_OK(builder::BuildGeneration(options));
  ExpectAllRows();
  const auto built = OpenIndex(generation_);
  EXPECT_EQ(built->Stats().growing_rows, 0);
  EXPECT_GT(built->Stats().sealed_segments, 0);

  generation_ = CreateGeneration(models_.Join("model"));
  const auto direct = OpenIndex(generation_);
  ASSERT_OK(generation::EmbedMissing(*catalog_, embedder_, {}, *direct));
  index::IndexSearchOptions search;
  search.exact = true;
  for (uint32_t query = 0; query < 10; ++query) {
    ASSERT_OK_AND_ASSIGN(const index::IndexSearchResult one, built->Search(embedder_.VectorOf(PictureOf(1000 + query)), search));
    ASSERT_OK_AND_ASSIGN(const index::IndexSearchResult other, direct->Search(embedder_.VectorOf(PictureOf(1000 + query)), search));
    for (size_t i = 0; i < one.neighbors[0].size(); ++i) {
      EXPECT_EQ(one.neighbors[0][i].key, other.neighbors[0][i].key);
    }
  }
}

TEST_F(BuilderTest, SaysWhatItBuilt) {
  Fill();
  Delete("item-0");
  ASSERT_OK(Run());
  const BuildManifest build = BuildJson();
  EXPECT_EQ(build.sequence(), catalog_->last_sequence());
  EXPECT_EQ(build.row_count(), kItems - 1);
  EXPECT_EQ(build.dimension(), kDimension);
  EXPECT_EQ(build.embedding_space_id(), store_.ReadManifest(generation_)->embedding_space_id());
  std::vector<std::string> names = {"LOCK"};
  for (const BuildManifest::IndexFile& file : build.files()) {
    const std::string path = absl::StrCat(store_.IndexDir(generation_), "/", file.name());
    EXPECT_THAT(FileSize(path), IsOk());
    EXPECT_EQ(*FileSize(path), file.size());
    EXPECT_EQ(*Sha256HexOfFile(path), file.sha256());
    names.push_back(file.name());
  }
  EXPECT_THAT(*ListDirectory(store_.IndexDir(generation_)), ::testing::UnorderedElementsAreArray(names));
}

TEST_F(BuilderTest, BuildsTheIndexOfAnEmptyCatalog) {
  ASSERT_OK(Run());
  EXPECT_EQ(BuildJson().row_count(), 0);
  EXPECT_EQ(BuildJson().sequence(), 0u);
}

TEST_F(BuilderTest, PrefersTheIndexKindOfTheGeneration) {
  Fill();
  GenerationManifest manifest;
  manifest.set_index_factory("Flat");
  generation_ = CreateGeneration(models_.Join("model"), manifest);
  ASSERT_OK(Run());
  const auto index = OpenIndex(generation_);
  EXPECT_THAT(index->Stats().segments, ::testing::Each(HasSubstr("Flat")));
}

TEST_F(BuilderTest, IsDoneAtOnceWhereABuildIsComplete) {
  Fill();
  ASSERT_OK(Run());
  EXPECT_OK(Run());
  EXPECT_EQ(loaded_, 1);
}

TEST_F(BuilderTest, GoesOnWhereItWasStoppedAndEmbedsNothingTwice) {
  Fill();
  int runs = 0;
  for (absl::Status status = absl::CancelledError("not begun"); !status.ok(); ++runs) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled));
    EXPECT_FALSE(IsBuilt());
    stop_ = std::stop_source();
    std::atomic<int> batches{0};
    before_batch_ = [&] {
      if (++batches == 4) {
        stop_.request_stop();
      }
    };
    status = Run();
  }
  EXPECT_GE(runs, 4);
  EXPECT_EQ(EmbeddedImages(), kItems);
  ExpectAllRows();
}

TEST_F(BuilderTest, StopsWhileItIndexes) {
  Fill();
  builder::BuildOptions options = Options();
  options.on_progress = [this](const BuildProgress& progress) {
    if (progress.step() == BuildProgress::STEP_INDEXING) {
      stop_.request_stop();
    }
  };
  EXPECT_THAT(builder::BuildGeneration(options), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_FALSE(IsBuilt());
  EXPECT_EQ(EmbeddedImages(), kItems);
  stop_ = std::stop_source();
  ASSERT_OK(Run());
  EXPECT_EQ(EmbeddedImages(), kItems);
  ExpectAllRows();
}

TEST_F(BuilderTest, IsHarmedByNoWriteMeanwhile) {
  Fill();
  const uint64_t start = catalog_->last_sequence();
  int batches = 0;
  before_batch_ = [&] {  // Items of later batches: replaced, deleted, and new ones.
    if (++batches == 2) {
      Upsert("item-50", EncodePng(PictureOf(500)));
      Delete("item-51");
      Upsert("new", EncodePng(PictureOf(501)));
    }
  };
  ASSERT_OK(Run());
  EXPECT_EQ(BuildJson().sequence(), start);
  EXPECT_EQ(BuildJson().row_count(), kItems - 2);
  const auto rows = RowsOf(generation_);
  EXPECT_THAT(rows, SizeIs(kItems - 2));
  EXPECT_EQ(rows.count("item-50"), 0u);  // The new one is for the catch-up.
  EXPECT_THAT(OpenIndex(generation_)->missing_keys(), SizeIs(2));
}

TEST_F(BuilderTest, ReadsTheCatalogAnewWhenItGoesOn) {
  Fill();
  before_batch_ = [&] { stop_.request_stop(); };
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kCancelled));
  Upsert("item-0", EncodePng(PictureOf(500)));  // Was embedded.
  Delete("item-1");
  before_batch_ = nullptr;
  stop_ = std::stop_source();
  ASSERT_OK(Run());
  EXPECT_EQ(BuildJson().sequence(), catalog_->last_sequence());
  const auto rows = RowsOf(generation_);
  EXPECT_THAT(rows, SizeIs(kItems - 1));
  EXPECT_EQ(rows.at("item-0"), embedder_.VectorOf(PictureOf(500)));
}

TEST_F(BuilderTest, RefusesToBuildWhatAnotherBuilds) {
  Fill();
  embedder_.CloseGate();
  std::thread first([this] { EXPECT_OK(Run()); });
  embedder_.AwaitCallAtGate();
  builder::BuildOptions options = Options();
  options.new_embedder = nullptr;
  const absl::Status second = builder::BuildGeneration(options);
  EXPECT_THAT(second, HasReason("BUILD_RUNNING"));
  EXPECT_TRUE(builder::IsWorthAnotherTry(second));
  EXPECT_NE(Progress().step(), BuildProgress::STEP_FAILED);
  embedder_.OpenGate();
  first.join();
  EXPECT_TRUE(IsBuilt());
}

TEST_F(BuilderTest, StopsWhenTheGenerationIsCancelled) {
  Fill();
  int batches = 0;
  before_batch_ = [&] {
    if (++batches == 3) {
      EXPECT_OK(store_.RequestCancel(generation_));
    }
  };
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(batches, 3);
  EXPECT_FALSE(IsBuilt());
  EXPECT_NE(Progress().step(), BuildProgress::STEP_FAILED);
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(loaded_, 1);
}

TEST_F(BuilderTest, ReportsHowFarItIs) {
  Fill();
  std::vector<BuildProgress::Step> steps;
  builder::BuildOptions options = Options();
  options.on_progress = [&](const BuildProgress& progress) {
    if (steps.empty() || steps.back() != progress.step()) {
      steps.push_back(progress.step());
    }
    EXPECT_EQ(progress.total(), kItems);
    EXPECT_LE(progress.done(), progress.total());
    EXPECT_EQ(Progress().step(), progress.step());
    EXPECT_EQ(Progress().done(), progress.done());
  };
  ASSERT_OK(builder::BuildGeneration(options));
  EXPECT_THAT(steps, ElementsAre(BuildProgress::STEP_EMBEDDING, BuildProgress::STEP_INDEXING, BuildProgress::STEP_DONE));
  EXPECT_EQ(Progress().step(), BuildProgress::STEP_DONE);
}

TEST_F(BuilderTest, SaysWhyItFailedAndSucceedsWhenThatIsMended) {
  Fill();
  Upsert("bad", "not an image");
  const absl::Status status = Run();
  EXPECT_THAT(status, HasReason("UNMIGRATABLE_ITEMS"));
  EXPECT_FALSE(builder::IsWorthAnotherTry(status));
  EXPECT_EQ(Progress().step(), BuildProgress::STEP_FAILED);
  EXPECT_THAT(Progress().error(), HasSubstr("UNMIGRATABLE_ITEMS: the image of the item at sequence 61"));
  EXPECT_FALSE(IsBuilt());
  Delete("bad");
  ASSERT_OK(Run());
  EXPECT_EQ(EmbeddedImages(), kItems);
  EXPECT_EQ(Progress().step(), BuildProgress::STEP_DONE);
  EXPECT_EQ(Progress().error(), "");
}

TEST_F(BuilderTest, CallsNoFailureFinalThatMayPass) {
  Fill();
  embedder_.FailWith(absl::ResourceExhaustedError("no memory"));
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Progress().step(), BuildProgress::STEP_EMBEDDING);
  embedder_.FailWith(absl::OkStatus());
  EXPECT_OK(Run());
}

TEST_F(BuilderTest, TouchesNoGenerationThatTheServerHas) {
  generation_ = CreateGeneration(models_.Join("model"), {}, GenerationRecord::PHASE_READY);
  EXPECT_THAT(Run(), HasReason("GENERATION_NOT_BUILDING"));
  EXPECT_FALSE(PathExists(store_.IndexDir(generation_)));
  generation_ = "gen-000099";
  EXPECT_THAT(Run(), HasReason("GENERATION_NOT_FOUND"));
}

TEST_F(BuilderTest, RefusesABundleOfAnotherEmbeddingSpace) {
  WriteFakeBundle(models_.Join("other"), kDimension, 2);
  ASSERT_OK(RemoveAll(store_.BundleDir(generation_)));
  ASSERT_OK(embedder::CopyBundle(models_.Join("other"), store_.BundleDir(generation_)));
  EXPECT_THAT(Run(), HasReason("MANIFEST_INVALID"));
  EXPECT_THAT(embedder_.calls(), IsEmpty());
}

}  // namespace
}  // namespace semblance::testing
