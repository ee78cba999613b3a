#include "service/live/generation_loader.h"

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/live/live_fixture.h"

namespace semblance::testing {
namespace {

using service::CheckBuild;
using service::LoadGeneration;
using ::testing::HasSubstr;

class GenerationLoaderTest : public ::testing::Test, public LiveFixture {
 protected:
  auto Reload(const storage::v1::GenerationManifest& manifest) { return LoadGeneration(store(), manifest, catalog(), loader()); }
};

TEST_F(GenerationLoaderTest, EmbedsTheCatalogOfANewGeneration) {
  Upsert({ItemOf("a", 1), ItemOf("b", 2)});
  Upsert({ItemOf("a", 3)});
  Delete({"b"});
  const auto loaded = Reload(Create(1));
  ASSERT_OK(loaded);
  ExpectHas(**loaded, {{"a", 3}});
  EXPECT_EQ((*loaded)->embedded_at_load_count(), 1);
  EXPECT_EQ((*loaded)->index().applied_sequence(), 4u);
}

TEST_F(GenerationLoaderTest, EmbedsAgainOnlyWhatWasWrittenSince) {
  Upsert({ItemOf("a", 1), ItemOf("b", 2)});
  const storage::v1::GenerationManifest manifest = Create(1);
  ASSERT_OK(Reload(manifest));
  Upsert({ItemOf("c", 3)});
  Delete({"a"});
  const auto loaded = Reload(manifest);
  ASSERT_OK(loaded);
  ExpectHas(**loaded, {{"b", 2}, {"c", 3}});
  EXPECT_EQ((*loaded)->embedded_at_load_count(), 1);
}

TEST_F(GenerationLoaderTest, TellsItsProgress) {
  Upsert({ItemOf("a", 1), ItemOf("b", 2)});
  std::vector<std::pair<int64_t, int64_t>> told;
  loader().on_progress = [&told](int64_t done, int64_t total) { told.emplace_back(done, total); };
  ASSERT_OK(Reload(Create(1)));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back(), std::make_pair(int64_t{2}, int64_t{2}));
}

TEST_F(GenerationLoaderTest, RefusesABundleOfAnotherSpaceThanTheManifest) {
  storage::v1::GenerationManifest manifest = Create(1);
  manifest.set_embedding_space_id("sha256:0000");
  const auto loaded = Reload(manifest);
  EXPECT_THAT(loaded, HasReason("MANIFEST_INVALID"));
  EXPECT_THAT(loaded, StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(GenerationLoaderTest, ReturnsTheErrorOfABundleThatCannotBeLoaded) {
  storage::v1::GenerationManifest manifest = Create(1);
  loader().new_embedder = [](const std::string&) -> absl::StatusOr<std::unique_ptr<embedder::Embedder>> {
    return absl::DataLossError("weights");
  };
  EXPECT_THAT(Reload(manifest), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(GenerationLoaderTest, BatchesByTheDeviceUnlessItIsConfigured) {
  EXPECT_EQ(Load(1)->max_batch_size(), 64) << "of a device that is not the CPU";
  loader().config.mutable_batching()->set_max_batch_size(5);
  EXPECT_EQ(Load(2)->max_batch_size(), 5);
}

// A generation whose build.json names one file of index/.
class CheckBuildTest : public GenerationLoaderTest {
 protected:
  void SetUp() override {
    manifest_ = Create(1);
    ASSERT_OK(CreateDirectories(store().IndexDir(manifest_.id())));
    WriteRows("rows");
    build_.set_embedding_space_id(manifest_.embedding_space_id());
    build_.set_dimension(manifest_.dimension());
    auto& file = *build_.add_files();
    file.set_name("000001.segment");
    file.set_size(4);
    file.set_sha256(Sha256Hex("rows"));
  }

  void WriteRows(const std::string& content) {
    std::ofstream(absl::StrCat(store().IndexDir(manifest_.id()), "/000001.segment")) << content;
  }

  storage::v1::GenerationManifest manifest_;
  storage::v1::BuildManifest build_;
};

TEST_F(CheckBuildTest, AcceptsTheFilesThatTheBuilderWrote) {
  ASSERT_OK(store().WriteBuild(manifest_.id(), build_));
  EXPECT_OK(CheckBuild(store(), manifest_));
}

TEST_F(CheckBuildTest, RefusesABuildThatIsNotComplete) {
  const absl::Status status = CheckBuild(store(), manifest_);
  EXPECT_THAT(status, HasReason("MANIFEST_INVALID"));
  EXPECT_THAT(status, StatusMessage(HasSubstr("is missing")));
}

TEST_F(CheckBuildTest, RefusesABuildOfAnotherSpaceOrDimension) {
  storage::v1::BuildManifest other = build_;
  other.set_dimension(kDimension + 1);
  ASSERT_OK(store().WriteBuild(manifest_.id(), other));
  EXPECT_THAT(CheckBuild(store(), manifest_), HasReason("MANIFEST_INVALID"));
  other = build_;
  other.set_embedding_space_id("sha256:0000");
  ASSERT_OK(store().WriteBuild(manifest_.id(), other));
  EXPECT_THAT(CheckBuild(store(), manifest_), HasReason("MANIFEST_INVALID"));
}

TEST_F(CheckBuildTest, RefusesAFileWithAnotherContent) {
  ASSERT_OK(store().WriteBuild(manifest_.id(), build_));
  WriteRows("Rows");
  const absl::Status status = CheckBuild(store(), manifest_);
  EXPECT_THAT(status, HasReason("DIGEST_MISMATCH"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace semblance::testing
