// Directories that the registry refuses to register.
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "embedder/bundle/bundle.h"
#include "service/models/model_registry.h"
#include "tests/service/models/model_fixture.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::ModelFixture;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Requests that must be refused and leave the register unchanged.
class ModelRefusalTest : public ::testing::Test, protected ModelFixture {
 protected:
  ModelRefusalTest() {
    Register("good", 5);
    before_ = *ReadFile(register_path());
    Write("bad");
    WriteBundleTo(outside());
  }
  ~ModelRefusalTest() override {
    EXPECT_EQ(*ReadFile(register_path()), before_);
    EXPECT_THAT(Names(), ElementsAre("shoes/1"));
  }

  absl::StatusOr<Registration> RegisterBad() { return registry().Register("bad"); }

 private:
  std::string before_;
};

TEST_F(ModelRefusalTest, PathsThatLeaveTheRootByTheirText) {
  const std::string paths[] = {
      "..", "../outside", "../models/bad",  "bad/../../outside",    "../nothing",           "/etc", "/", outside(), root(), ".",
      "",   "bad/..",     root() + "x/bad", root() + "/../outside", std::string("bad\0", 4)};
  for (const std::string& path : paths) {
    EXPECT_THAT(registry().Register(path),
                AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("PATH_OUTSIDE_ROOT"), HasField("path")))
        << path;
  }
}

TEST_F(ModelRefusalTest, PathsThatLeaveTheRootByALink) {
  Link("link", outside());
  Link("parent", "..");
  Link("here", ".");
  Link("dangling", outside() + "/nothing");
  Link("again", "dangling/deeper");
  for (const char* path :
       {"link", "link/nothing", "parent/outside", "dangling", "dangling/3", "again", "again/3", "here", "link/../outside"}) {
    EXPECT_THAT(registry().Register(path), AllOf(HasReason("PATH_OUTSIDE_ROOT"), HasField("path"))) << path;
  }
}

TEST_F(ModelRefusalTest, FilesThatAreLinksOutOfTheRoot) {
  for (const char* file : {embedder::kBundleManifestFile, embedder::kBundleModelFile}) {
    const std::string content = Read(absl::StrCat("bad/", file));
    ASSERT_OK(RemoveAll(Join(absl::StrCat("bad/", file))));
    Link(absl::StrCat("bad/", file), absl::StrCat(outside(), "/", file));
    EXPECT_THAT(RegisterBad(), AllOf(HasReason("PATH_OUTSIDE_ROOT"), StatusMessage(HasSubstr(file))));
    ASSERT_OK(RemoveAll(Join(absl::StrCat("bad/", file))));
    Overwrite(absl::StrCat("bad/", file), content);
  }
}

TEST_F(ModelRefusalTest, ALinkOutOfTheRootToNothing) {
  Link("bad/report.html", outside() + "/nothing");
  EXPECT_THAT(RegisterBad(), HasReason("PATH_OUTSIDE_ROOT"));
}

TEST_F(ModelRefusalTest, FilesThatAreLinksWithinTheRoot) {
  std::filesystem::rename(Join("bad/model.safetensors"), Join("bad/elsewhere"));
  Link("bad/model.safetensors", "elsewhere");
  EXPECT_THAT(RegisterBad(), AllOf(HasReason("MANIFEST_INVALID"), StatusMessage(HasSubstr("is a link"))));
}

TEST_F(ModelRefusalTest, LinksThatLeadNowhereWithinTheRoot) {
  Link("circle", "circle");
  Link("to", "fro");
  Link("fro", "to");
  Link("dangling", "nothing");
  for (const char* path : {"circle", "to", "to/3", "dangling", "dangling/3"}) {
    EXPECT_THAT(registry().Register(path), HasReason("BUNDLE_NOT_FOUND")) << path;
  }
}

TEST_F(ModelRefusalTest, NoManifestIsNoBundle) {
  ASSERT_OK(RemoveAll(Join("bad/manifest.json")));
  for (const char* path : {"bad", "nothing", "nothing/3", "bad/model.safetensors", "bad/model.safetensors/3"}) {
    EXPECT_THAT(registry().Register(path), AllOf(StatusIs(absl::StatusCode::kNotFound), HasReason("BUNDLE_NOT_FOUND"))) << path;
  }
}

TEST_F(ModelRefusalTest, AMissingFile) {
  ASSERT_OK(RemoveAll(Join("bad/model.safetensors")));
  EXPECT_THAT(RegisterBad(), AllOf(StatusIs(absl::StatusCode::kDataLoss), HasReason("DIGEST_MISMATCH"),
                                   StatusMessage(HasSubstr("model.safetensors is missing"))));
}

TEST_F(ModelRefusalTest, ATruncatedFile) {
  const std::string content = Read("bad/model.safetensors");
  Overwrite("bad/model.safetensors", content.substr(0, content.size() - 1));
  EXPECT_THAT(RegisterBad(), AllOf(StatusIs(absl::StatusCode::kDataLoss), HasReason("DIGEST_MISMATCH"),
                                   StatusMessage(HasSubstr(absl::StrCat("expected ", content.size())))));
}

TEST_F(ModelRefusalTest, AFlippedByte) {
  std::string content = Read("bad/proxies.safetensors");
  content.back() = static_cast<char>(content.back() ^ 1);
  Overwrite("bad/proxies.safetensors", content);
  EXPECT_THAT(RegisterBad(), AllOf(StatusIs(absl::StatusCode::kDataLoss), HasReason("DIGEST_MISMATCH"),
                                   StatusMessage(HasSubstr("proxies.safetensors has sha256"))));
}

TEST_F(ModelRefusalTest, AWrongDimension) {
  ReplaceIn("bad/manifest.json", "\"dimension\": 4", "\"dimension\": 5");
  EXPECT_THAT(RegisterBad(), AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("MANIFEST_INVALID"),
                                   StatusMessage(HasSubstr("proxies"))));
}

TEST_F(ModelRefusalTest, AManifestThatIsHalfThere) {
  Overwrite("bad/manifest.json", Read("bad/manifest.json").substr(0, 100));
  EXPECT_THAT(RegisterBad(), HasReason("MANIFEST_INVALID"));
}

TEST_F(ModelRefusalTest, AManifestThatNamesFilesElsewhere) {
  ReplaceIn("bad/manifest.json", "\"model.safetensors\"", "\"../good/model.safetensors\"");
  EXPECT_THAT(RegisterBad(), AllOf(HasReason("MANIFEST_INVALID"), StatusMessage(HasSubstr("no plain file name"))));
}

}  // namespace
}  // namespace semblance::service
