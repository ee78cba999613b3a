// Tests the program semblance-builder: it is killed at any moment, stopped, and started twice.
#include <sched.h>
#include <signal.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/builder/builder_fixture.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"
#include "tests/testing/waits.h"

namespace semblance::testing {
namespace {

using ::semblance::storage::v1::BuildManifest;
using ::semblance::storage::v1::BuildProgress;
using ::testing::HasSubstr;

constexpr int kItems = 1500;
constexpr int kItemsOfAWrite = 250;
constexpr int kKills = 12;
constexpr int kSide = 32;
constexpr int kChannels = 64;
constexpr int kDimension = 8;

embedder::HostTensor RandomTensor(std::vector<int64_t> shape, float scale, std::mt19937& random) {
  int64_t size = 1;
  for (const int64_t side : shape) {
    size *= side;
  }
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) {
    value = std::abs(normal(random));  // A variance must not be negative.
  }
  return {"F32", std::move(shape), std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float))};
}

// A convnet with random weights, for which embedding kItems images takes longer than its start.
void WriteConvnetBundle(const std::string& directory) {
  std::mt19937 random(1);
  embedder::Bundle bundle;
  bundle.manifest.set_name("random");
  bundle.manifest.set_dimension(kDimension);
  bundle.manifest.set_without_proxies(true);
  bundle.manifest.add_classes("only");
  storage::v1::Architecture* architecture = bundle.manifest.mutable_architecture();
  architecture->mutable_small_convnet()->add_channels(kChannels);
  architecture->mutable_small_convnet()->set_convolutions_per_stage(2);
  architecture->set_pooling(storage::v1::Architecture::POOLING_AVERAGE);
  storage::v1::Preprocessing* preprocessing = bundle.manifest.mutable_preprocessing();
  preprocessing->set_resize(storage::v1::Preprocessing::RESIZE_STRETCH);
  preprocessing->set_resize_side(kSide);
  preprocessing->set_crop_side(kSide);
  preprocessing->set_channels(1);
  preprocessing->add_mean(0.5);
  preprocessing->add_std(0.5);
  bundle.model["stage1.conv1.weight"] = RandomTensor({kChannels, 1, 3, 3}, 1, random);
  bundle.model["stage1.conv2.weight"] = RandomTensor({kChannels, kChannels, 3, 3}, 1, random);
  for (const std::string norm : {"stage1.bn1.", "stage1.bn2."}) {
    for (const std::string name : {"weight", "bias", "running_mean", "running_var"}) {
      bundle.model[norm + name] = RandomTensor({kChannels}, 1, random);
    }
    bundle.model[norm + "num_batches_tracked"] = {"I64", {}, std::string(sizeof(int64_t), '\0')};
  }
  bundle.model["head.weight"] = RandomTensor({kDimension, kChannels}, 1, random);
  bundle.model["head.bias"] = RandomTensor({kDimension}, 1, random);
  EXPECT_OK(embedder::WriteBundle(directory, bundle));
}

class ProgramTest : public BuilderFixture {
 protected:
  ProgramTest() {
    WriteConvnetBundle(models_.Join("model"));
    EXPECT_OK(WriteFileAtomically(models_.Join("config"), R"pb(index { seal_rows: 300 hnsw_ef_construction: 16 }
                                                               device: "cpu")pb"));
    generation_ = CreateGeneration(models_.Join("model"));
  }

  void Fill() {
    for (int i = 0; i < kItems; i += kItemsOfAWrite) {
      std::vector<catalog::ItemWrite> items;
      for (int j = i; j < i + kItemsOfAWrite; ++j) {
        items.push_back(ItemWithImage(absl::StrCat("item-", j), EncodePng(NoiseImage(kSide, kSide, 1, static_cast<uint32_t>(j)))));
      }
      EXPECT_OK(UpsertAndWait(*catalog_, std::move(items)));
    }
  }

  std::vector<std::string> Command() const {
    return {SEMBLANCE_BIN_DIR "/semblance-builder", "--data_dir=" + data_.path(), "--generation=" + generation_,
            "--config=" + models_.Join("config"), "--threads=2"};
  }

  bool IsBuilt() const { return store_.ReadBuild(generation_)->has_value(); }

  std::string generation_;
};

TEST_F(ProgramTest, EndsWithTheSameRowsHoweverOftenItIsKilled) {
  Fill();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(RunProgram(Command()), kExitDone);
  const auto whole = std::chrono::steady_clock::now() - start;
  const std::map<std::string, std::vector<float>> expected = RowsOf(generation_);
  ASSERT_EQ(expected.size(), static_cast<size_t>(kItems));

  generation_ = CreateGeneration(models_.Join("model"));
  std::mt19937 random(2);
  for (int kill = 0; kill < kKills && !IsBuilt(); ++kill) {
    Process builder(Command());
    // Kills come at random moments of a whole run, whatever the speed of the machine. No condition can be waited for.
    std::this_thread::sleep_for(std::chrono::duration<double>(whole) * std::uniform_real_distribution<double>(0.1, 0.9)(random));
    builder.Signal(SIGKILL);
    builder.Wait();
  }
  EXPECT_EQ(RunProgram(Command()), kExitDone);
  const std::map<std::string, std::vector<float>> rows = RowsOf(generation_);
  ASSERT_EQ(rows.size(), expected.size());
  for (const auto& [id, vector] : expected) {
    EXPECT_THAT(rows.at(id), ::testing::Pointwise(::testing::FloatNear(1e-5F), vector)) << id;
  }
  EXPECT_EQ(store_.ReadBuild(generation_)->value().row_count(), kItems);
  EXPECT_EQ(RunProgram(Command()), kExitDone);
}

// Numbers fields as proc(5) does: field 3 comes first behind the name.
std::string SchedulingPolicyOf(pid_t pid) {
  std::string field;
  std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
  for (int i = 1; i <= 41; ++i) {
    stat >> field;
  }
  return field;
}

TEST_F(ProgramTest, StopsAtSigtermAndGoesOn) {
  Fill();
  Process builder(Command());
  AwaitInDirectory(store_.Dir(generation_),
                   [this] { return store_.ReadProgress(generation_)->step() != BuildProgress::STEP_UNSPECIFIED; });
  EXPECT_EQ(SchedulingPolicyOf(builder.pid()), absl::StrCat(SCHED_IDLE));
  builder.Signal(SIGTERM);
  const int code = builder.Wait();
  if (code != kExitDone) {  // It may have been quicker.
    EXPECT_EQ(code, kExitTerminated);
    EXPECT_FALSE(IsBuilt());
  }
  EXPECT_EQ(RunProgram(Command()), kExitDone);
  EXPECT_TRUE(IsBuilt());
}

TEST_F(ProgramTest, SaysByItsExitCodeWhatWentWrong) {
  const std::string program = SEMBLANCE_BIN_DIR "/semblance-builder";
  EXPECT_EQ(RunProgram({program}), kExitUsage);
  EXPECT_EQ(RunProgram({program, "--data_dir=" + data_.path(), "--generation=gen-000001", "--threads=-1"}), kExitUsage);
  EXPECT_EQ(RunProgram({program, "--data_dir=" + data_.path(), "--generation=gen-000009"}), kExitBadInput);
  {
    const auto lock = FileLock::Acquire(store_.LockPath(generation_));
    ASSERT_OK(lock);
    EXPECT_EQ(RunProgram(Command()), kExitTransient);
  }
  Upsert("bad", "not an image");
  EXPECT_EQ(RunProgram(Command()), kExitBadInput);
  EXPECT_EQ(store_.ReadProgress(generation_)->step(), BuildProgress::STEP_FAILED);
  ASSERT_OK(store_.RequestCancel(generation_));
  EXPECT_EQ(RunProgram(Command()), kExitTerminated);
  std::string help;
  EXPECT_EQ(RunProgram({program, "--help"}, &help), kExitDone);
  EXPECT_THAT(help, HasSubstr("Examples:"));
}

}  // namespace
}  // namespace semblance::testing
