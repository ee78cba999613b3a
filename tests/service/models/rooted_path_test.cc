#include "service/models/rooted_path.h"

#include <filesystem>
#include <string>

#include "common/file.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::service {
namespace {

namespace fs = std::filesystem;

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::StatusIs;
using ::semblance::testing::TempDir;

class RootedPathTest : public ::testing::Test {
 protected:
  RootedPathTest() {
    EXPECT_OK(CreateDirectories(dir_.Join("root/inside")));
    EXPECT_OK(CreateDirectories(dir_.Join("outside")));
    auto root = ResolveRoot(dir_.Join("root"), "the test root");
    EXPECT_OK(root);
    root_ = *std::move(root);
  }

  void Link(const std::string& path, const std::string& target) const {
    fs::create_symlink(target, fs::path(root_.directory) / path);
  }

  void ExpectOutside(const std::string& path) const {
    const absl::StatusOr<std::string> followed = FollowBelow(root_, path);
    EXPECT_THAT(followed, StatusIs(absl::StatusCode::kInvalidArgument)) << path;
    EXPECT_THAT(followed.status(), HasReason("PATH_OUTSIDE_ROOT")) << path;
    EXPECT_THAT(followed.status(), HasField("path")) << path;
  }

  const TempDir dir_;
  PathRoot root_;
};

TEST_F(RootedPathTest, ARootIsAnExistingDirectory) {
  EXPECT_THAT(ResolveRoot(dir_.Join("nothing"), "the test root"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(WriteFileAtomically(dir_.Join("file"), ""));
  EXPECT_THAT(ResolveRoot(dir_.Join("file"), "the test root"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(RootedPathTest, RelativeAndAbsolutePathsBelowTheRootAreFollowed) {
  const std::string inside = root_.directory + "/inside";
  EXPECT_EQ(FollowBelow(root_, "inside").value(), inside);
  EXPECT_EQ(FollowBelow(root_, "./inside/../inside/").value(), inside);
  EXPECT_EQ(FollowBelow(root_, inside).value(), inside);
  EXPECT_EQ(FollowBelow(root_, "not/there/yet").value(), root_.directory + "/not/there/yet");
}

TEST_F(RootedPathTest, PathsThatLeaveTheRootByTheirTextAreRefused) {
  for (const std::string& path : {std::string(""), std::string("."), std::string(".."), std::string("../outside"),
                                  std::string("inside/../../outside"), std::string("../root/inside"), std::string("/etc/passwd"),
                                  dir_.Join("outside"), root_.directory, root_.directory + "x", std::string("a\0b", 3)}) {
    ExpectOutside(path);
  }
}

TEST_F(RootedPathTest, LinksThatLeaveTheRootAreRefusedWhetherTheTargetExistsOrNot) {
  Link("to_outside", dir_.Join("outside"));
  Link("to_nothing", dir_.Join("nothing"));
  Link("relative", "../outside");
  Link("by_two", "to_outside");
  for (const char* path : {"to_outside", "to_outside/file", "to_nothing", "to_nothing/file", "relative", "by_two/file"}) {
    ExpectOutside(path);
    EXPECT_FALSE(LeadsBelow(root_, fs::path(root_.directory) / path)) << path;
  }
}

TEST_F(RootedPathTest, LinksWithinTheRootAreFollowed) {
  Link("link", "inside");
  Link("dangling", "inside/later");
  EXPECT_EQ(FollowBelow(root_, "link/file").value(), root_.directory + "/inside/file");
  EXPECT_EQ(FollowBelow(root_, "dangling").value(), root_.directory + "/inside/later");
  EXPECT_TRUE(LeadsBelow(root_, fs::path(root_.directory) / "link"));
  EXPECT_FALSE(LeadsBelow(root_, root_.directory));
}

TEST_F(RootedPathTest, ACircleOfLinksIsNotFound) {
  Link("a", "b");
  Link("b", "a");
  EXPECT_THAT(FollowBelow(root_, "a"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(LeadsBelow(root_, fs::path(root_.directory) / "a"));
}

}  // namespace
}  // namespace semblance::service
