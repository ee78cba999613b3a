#include "service/models/model_watcher.h"

#include <filesystem>
#include <string>
#include <vector>

#include "tests/service/models/model_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/waits.h"

namespace semblance::service {
namespace {

using ::semblance::testing::HasReason;
using ::semblance::testing::ModelFixture;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class ModelWatcherTest : public ::testing::Test, protected ModelFixture {
 protected:
  // Expects that a scan registers nothing and logs nothing.
  void ExpectNothing() {
    const ModelWatcher::ScanResult result = watcher_.ScanOnce();
    EXPECT_THAT(result.registered, IsEmpty());
    EXPECT_THAT(result.failures, IsEmpty());
  }

  // Moves the modification time of a file below the root ahead by this many seconds.
  void Age(const std::string& path, int seconds) {
    std::filesystem::last_write_time(Join(path), std::filesystem::last_write_time(Join(path)) + std::chrono::seconds(seconds));
  }

  ModelWatcher watcher_{&registry(), absl::ZeroDuration()};
};

TEST_F(ModelWatcherTest, RegistersBundlesOfBothLevelsOnce) {
  Write("shoes/2", 1);
  Write("shoes/10", 2);
  Write("fresh", 3);

  EXPECT_THAT(watcher_.ScanOnce().registered, ElementsAre("shoes/11", "shoes/10", "shoes/2"));
  ExpectNothing();
  EXPECT_EQ(registry().List()->size(), 3U);
}

TEST_F(ModelWatcherTest, WaitsForTheManifest) {
  Write("shoes/1");
  std::filesystem::rename(Join("shoes/1/manifest.json"), Join("shoes/1/later"));
  ExpectNothing();
  std::filesystem::rename(Join("shoes/1/later"), Join("shoes/1/manifest.json"));
  EXPECT_THAT(watcher_.ScanOnce().registered, ElementsAre("shoes/1"));
}

TEST_F(ModelWatcherTest, ACopyWhoseManifestCameFirstIsRegisteredWhenItIsComplete) {
  Write("shoes/1");
  const std::string content = Read("shoes/1/model.safetensors");
  ASSERT_OK(RemoveAll(Join("shoes/1/model.safetensors")));
  EXPECT_THAT(watcher_.ScanOnce().failures, ElementsAre(Pair("shoes/1", HasReason("DIGEST_MISMATCH"))));
  Overwrite("shoes/1/model.safetensors", content.substr(0, 10));
  ExpectNothing();
  Overwrite("shoes/1/model.safetensors", content);
  EXPECT_THAT(watcher_.ScanOnce().registered, ElementsAre("shoes/1"));
}

TEST_F(ModelWatcherTest, AFailureIsToldOncePerManifest) {
  Write("shoes/1");
  Overwrite("shoes/1/manifest.json", "{");
  EXPECT_THAT(watcher_.ScanOnce().failures, ElementsAre(Pair("shoes/1", HasReason("MANIFEST_INVALID"))));
  ExpectNothing();
  ExpectNothing();
  Overwrite("shoes/1/manifest.json", "{}");
  Age("shoes/1/manifest.json", 1);
  EXPECT_THAT(watcher_.ScanOnce().failures, ElementsAre(Pair("shoes/1", HasReason("MANIFEST_INVALID"))));
  ExpectNothing();
}

TEST_F(ModelWatcherTest, ABadDirectoryStopsNoOther) {
  Write("a/1");
  Overwrite("a/1/manifest.json", std::string(1000, '\xff'));
  Write("b/1");
  ReplaceIn("b/1/manifest.json", "\"dimension\": 4", "\"dimension\": 8");
  ModelFixture::WriteBundleTo(outside());
  Link("c", outside());
  ASSERT_OK(CreateDirectories(Join("d/manifest.json")));
  Write("shoes/1");

  const ModelWatcher::ScanResult result = watcher_.ScanOnce();

  EXPECT_THAT(result.registered, ElementsAre("shoes/1"));
  EXPECT_THAT(result.failures, ElementsAre(Pair("a/1", HasReason("MANIFEST_INVALID")), Pair("b/1", HasReason("MANIFEST_INVALID")),
                                           Pair("c", HasReason("PATH_OUTSIDE_ROOT")), Pair("d", HasReason("MANIFEST_INVALID"))));
  ExpectNothing();
}

TEST_F(ModelWatcherTest, OtherContentUnderARegisteredVersionIsToldOnce) {
  Register("fresh", 1);
  Write("shoes/1", 2);
  EXPECT_THAT(watcher_.ScanOnce().failures, ElementsAre(Pair("shoes/1", HasReason("MODEL_EXISTS"))));
  ExpectNothing();
}

TEST_F(ModelWatcherTest, ADirectoryThatCameBackIsLookedAtAnew) {
  Write("shoes/1");
  Overwrite("shoes/1/manifest.json", "{");
  EXPECT_EQ(watcher_.ScanOnce().failures.size(), 1U);
  std::filesystem::rename(Join("shoes"), outside());
  ExpectNothing();
  std::filesystem::rename(outside(), Join("shoes"));
  EXPECT_EQ(watcher_.ScanOnce().failures.size(), 1U);
}

TEST_F(ModelWatcherTest, DeletedModelsStayDeleted) {
  Write("shoes/1");
  watcher_.ScanOnce();
  ASSERT_OK(registry().Delete("shoes/1"));
  ExpectNothing();
  Reopen();
  ModelWatcher restarted(&registry(), absl::ZeroDuration());
  EXPECT_THAT(restarted.ScanOnce().registered, IsEmpty());
}

TEST_F(ModelWatcherTest, PassesOverBundlesThatAreBeingWrittenAndHiddenOnes) {
  Write("shoes/3.tmp.1234");
  Write("fresh.tmp.1234");
  Write(".hidden");
  Write("shoes/.hidden");
  ExpectNothing();
}

TEST_F(ModelWatcherTest, DoesNotLookIntoLinksOnTheFirstLevel) {
  ModelFixture::WriteBundleTo(outside() + "/1");
  Link("shoes", outside());
  ExpectNothing();
}

TEST_F(ModelWatcherTest, FilesAmongTheDirectoriesAreNoMatter) {
  Overwrite("notes.txt", "hello");
  ASSERT_OK(CreateDirectories(Join("empty")));
  ExpectNothing();
}

TEST_F(ModelWatcherTest, ARootThatIsGoneIsToldOnceAndMayComeBack) {
  Write("shoes/1");
  std::filesystem::rename(root(), outside());
  EXPECT_EQ(watcher_.ScanOnce().failures.size(), 1U);
  ExpectNothing();
  std::filesystem::rename(outside(), root());
  EXPECT_THAT(watcher_.ScanOnce().registered, ElementsAre("shoes/1"));
  std::filesystem::rename(root(), outside());
  EXPECT_EQ(watcher_.ScanOnce().failures.size(), 1U);
}

TEST_F(ModelWatcherTest, TheThreadScansAtOnceAndStopsInTheMiddleOfItsRest) {
  Write("shoes/1");
  const ModelWatcher watching(&registry(), absl::Hours(24));
  // The registry tells nobody of its models.
  semblance::testing::PollUntil([this] { return registry().Find("shoes/1").ok(); });
}

}  // namespace
}  // namespace semblance::service
