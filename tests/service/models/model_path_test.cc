#include "service/models/model_path.h"

#include <filesystem>
#include <optional>
#include <string>

#include "common/file.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::service {
namespace {

namespace fs = std::filesystem;

using ::semblance::testing::HasReason;
using ::semblance::testing::StatusIs;
using ::semblance::testing::TempDir;

class ModelPathTest : public ::testing::Test {
 protected:
  ModelPathTest() {
    EXPECT_OK(CreateDirectories(dir_.Join("models/shoes/3")));
    EXPECT_OK(WriteFileAtomically(dir_.Join("models/shoes/3/manifest.json"), "{}"));
    auto root = ResolveModelRoot(dir_.Join("models"));
    EXPECT_OK(root);
    root_ = *std::move(root);
  }

  const TempDir dir_;
  std::string root_;
};

TEST_F(ModelPathTest, FindsADirectoryWithAManifest) {
  for (const std::string& path : {std::string("shoes/3"), std::string("./shoes/x/../3/"), root_ + "/shoes/3"}) {
    ASSERT_OK_AND_ASSIGN(const BundlePlace place, FindBundle(root_, path));
    EXPECT_EQ(place.path, "shoes/3");
    EXPECT_EQ(place.directory, root_ + "/shoes/3");
  }
}

TEST_F(ModelPathTest, WithoutAManifestThereIsNoBundle) {
  for (const char* path : {"shoes", "shoes/4", "shoes/3/manifest.json"}) {
    const auto found = FindBundle(root_, path);
    EXPECT_THAT(found, StatusIs(absl::StatusCode::kNotFound)) << path;
    EXPECT_THAT(found.status(), HasReason("BUNDLE_NOT_FOUND")) << path;
  }
}

TEST_F(ModelPathTest, AFileOfTheBundleMayNotBeALinkOutOfTheRoot) {
  EXPECT_OK(WriteFileAtomically(dir_.Join("secret"), "x"));
  fs::create_symlink(dir_.Join("secret"), root_ + "/shoes/3/model.safetensors");
  const auto found = FindBundle(root_, "shoes/3");
  EXPECT_THAT(found, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(found.status(), HasReason("PATH_OUTSIDE_ROOT"));
}

TEST_F(ModelPathTest, TheVersionOfAPathIsItsLastPart) {
  EXPECT_EQ(VersionOfPath("shoes/3", "shoes"), 3);
  for (const char* path : {"shoes", "shoes/", "shoes/03", "shoes/-1", "shoes/0", "shoes/3/4", "shoes3", "hats/3", "x/shoes/3"}) {
    EXPECT_EQ(VersionOfPath(path, "shoes"), std::nullopt) << path;
  }
}

TEST_F(ModelPathTest, TheGreatestVersionDirectoryCountsOnlyVersions) {
  EXPECT_EQ(GreatestVersionDirectory(root_, "shoes"), 3);
  EXPECT_EQ(GreatestVersionDirectory(root_, "hats"), 0);
  EXPECT_OK(CreateDirectories(root_ + "/shoes/12"));
  EXPECT_OK(CreateDirectories(root_ + "/shoes/099"));
  EXPECT_OK(CreateDirectories(root_ + "/shoes/draft"));
  EXPECT_EQ(GreatestVersionDirectory(root_, "shoes"), 12);
}

}  // namespace
}  // namespace semblance::service
