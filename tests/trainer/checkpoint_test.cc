#include "trainer/checkpoint.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "common/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::trainer {
namespace {

using ::testing::ElementsAre;
using testing::StatusIs;
using testing::TempDir;

class CheckpointTest : public ::testing::Test {
 protected:
  static Checkpoint At(int64_t steps) {
    Checkpoint checkpoint;
    checkpoint.manifest.set_config("a: 1");
    checkpoint.manifest.mutable_progress()->set_steps(steps);
    checkpoint.manifest.mutable_progress()->set_loss_sum(0.1);
    checkpoint.files = {{"model", std::string("m\0del", 5)}, {"empty", ""}};
    return checkpoint;
  }

  int64_t NewestSteps() const {
    const auto newest = store_.ReadNewest();
    EXPECT_OK(newest);
    return newest.ok() && newest->has_value() ? (*newest)->manifest.progress().steps() : -1;
  }

  const TempDir dir_;
  const CheckpointStore store_{dir_.Join("checkpoints"), 2};
};

TEST_F(CheckpointTest, ReadsWhatWasWritten) {
  EXPECT_EQ(NewestSteps(), -1);
  ASSERT_OK(store_.Write(At(7)));
  ASSERT_OK_AND_ASSIGN(const auto read, store_.ReadNewest());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->files, At(7).files);
  EXPECT_EQ(read->manifest.config(), "a: 1");
  EXPECT_EQ(read->manifest.progress().loss_sum(), 0.1);
}

TEST_F(CheckpointTest, KeepsTheNewest) {
  for (const int64_t steps : {int64_t{1}, int64_t{20}, int64_t{3'000'000'000}}) {
    ASSERT_OK(store_.Write(At(steps)));
  }
  EXPECT_THAT(ListDirectory(store_.directory()).value(), ElementsAre("step_000000020", "step_3000000000"));
  EXPECT_EQ(NewestSteps(), 3'000'000'000);
  ASSERT_OK(store_.RemoveAll());
  EXPECT_FALSE(PathExists(store_.directory()));
}

TEST_F(CheckpointTest, PassesOverWhatACrashLeftAndWhatIsDamaged) {
  ASSERT_OK(store_.Write(At(1)));
  ASSERT_OK(store_.Write(At(2)));
  std::filesystem::create_directories(dir_.Join("checkpoints/step_000000009.tmp"));
  EXPECT_EQ(NewestSteps(), 2);
  const std::string path = dir_.Join("checkpoints/step_000000002/");
  for (const char* const file : {"model", "manifest.json"}) {
    const std::string good = ReadFile(path + file).value();
    for (size_t size = 0; size < good.size(); size += 3) {
      std::ofstream(path + file, std::ios::binary) << good.substr(0, size);
      EXPECT_EQ(NewestSteps(), 1) << file << " of " << size;
    }
    std::filesystem::remove(path + file);
    EXPECT_EQ(NewestSteps(), 1) << file;
    std::ofstream(path + file, std::ios::binary) << good;
  }
  EXPECT_EQ(NewestSteps(), 2);
  ASSERT_OK(store_.Write(At(3)));
  EXPECT_FALSE(PathExists(dir_.Join("checkpoints/step_000000009.tmp")));
}

TEST_F(CheckpointTest, RefusesANewerVersionInsteadOfGoingBack) {
  ASSERT_OK(store_.Write(At(1)));
  const std::string manifest = dir_.Join("checkpoints/step_000000001/manifest.json");
  std::string json = ReadFile(manifest).value();
  json.replace(json.find("\"formatVersion\":1"), 17, "\"formatVersion\":9");
  std::ofstream(manifest) << json;
  EXPECT_THAT(store_.ReadNewest(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace semblance::trainer
