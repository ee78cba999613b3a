// Runs semblance-trainer as its users do, with several processes, and kills it.
#include <signal.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/file.h"
#include "common/program/process.h"
#include "dataset/png_encoder.h"
#include "embedder/bundle/bundle.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/waits.h"
#include "trainer/data/random.h"

namespace semblance {
namespace {

using testing::Process;
using testing::TempDir;

constexpr int kKilled = 128 + SIGKILL;

class TrainingTest : public ::testing::Test {
 protected:
  // Makes noisy images of 16 x 16 pixels, 24 for each of four grays.
  TrainingTest() {
    for (int label = 0; label < 4; ++label) {
      const std::string folder = dir_.Join("data/class" + std::to_string(label));
      std::filesystem::create_directories(folder);
      for (int i = 0; i < 24; ++i) {
        trainer::Random random(1, static_cast<uint64_t>(label), static_cast<uint64_t>(i));
        std::string pixels;
        for (int pixel = 0; pixel < 256; ++pixel) {
          pixels.push_back(static_cast<char>(random.Between(45 * label, 45 * label + 100)));
        }
        std::ofstream(folder + "/" + std::to_string(i) + ".png", std::ios::binary)
            << dataset::EncodeGrayPng(pixels, 16, 16).value();
      }
    }
    std::ofstream(dir_.Join("config.textproto"))
        << "model_name: 'test' data { path: '" << dir_.Join("data") << "' hold_out_fraction: 0.3 }\n"
        << "model { input_side: 16 input_channels: 1 dimension: 8 convnet_channels: [4, 8] }\n"
        << "batch_size: 16 epochs: 5 device: 'cpu' compute_threads: 1 loader_threads: 1\n";
  }

  std::vector<std::string> Command(const std::string& output, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> argv = {std::string(SEMBLANCE_BIN_DIR) + "/semblance-trainer",
                                     "--config=" + dir_.Join("config.textproto"), "--set", "output_dir=" + dir_.Join(output)};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }

  int Run(const std::string& output, const std::vector<std::string>& more = {}) const {
    return testing::RunProgram(Command(output, more));
  }

  std::string Weights(const std::string& output) const {
    return ReadFile(dir_.Join(output + "/" + embedder::kBundleModelFile)).value() +
           ReadFile(dir_.Join(output + "/" + embedder::kBundleProxiesFile)).value();
  }

  // Returns the number of the newest checkpoint, which counts steps.
  std::string NewestCheckpoint(const std::string& output) const {
    std::string newest;
    const auto names = ListDirectory(dir_.Join(output + ".checkpoints"));
    for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
      if (absl::StartsWith(name, "step_") && !absl::StrContains(name, '.')) {
        newest = std::max(newest, name);
      }
    }
    return newest;
  }

  // Waits until a run has written a checkpoint that is newer than `before`, or has ended.
  void AwaitCheckpoint(const std::string& output, const std::string& before, const Process& run) const {
    testing::AwaitInDirectory(dir_.Join(output + ".checkpoints"), [&] { return NewestCheckpoint(output) > before; },
                              {.process = run.pid()});
  }

  const TempDir dir_;
};

double LargestDifference(const embedder::TensorMap& a, const embedder::TensorMap& b) {
  double largest = 0;
  for (const auto& [name, tensor] : a) {
    const embedder::HostTensor& other = b.at(name);
    if (tensor.dtype != "F32") {
      EXPECT_EQ(tensor.data, other.data) << name;
      continue;
    }
    for (size_t i = 0; i < tensor.data.size(); i += sizeof(float)) {
      float x = 0;
      float y = 0;
      std::memcpy(&x, &tensor.data[i], sizeof(x));
      std::memcpy(&y, &other.data[i], sizeof(y));
      largest = std::max<double>(largest, std::fabs(x - y));
    }
  }
  return largest;
}

// The losses cover proxies and pairs. The loss on pairs may be split between the ranks.
class RanksTest : public TrainingTest, public ::testing::WithParamInterface<std::vector<std::string>> {};

INSTANTIATE_TEST_SUITE_P(Losses, RanksTest,
                         ::testing::Values(std::vector<std::string>{"--set", "loss.proxy_nca.denominator=DENOMINATOR_ALL"},
                                           std::vector<std::string>{"--set", "loss.proxy_anchor.scale=16"},
                                           std::vector<std::string>{"--set", "loss.triplet.margin=0.3", "--set",
                                                                    "sampler.samples_per_class=4"},
                                           std::vector<std::string>{"--set", "model.freeze_backbone=true", "--set",
                                                                    "model.cache_features=true", "--set", "batch_size=13"}),
                         [](const auto& test) { return "Loss" + std::to_string(test.index); });

TEST_P(RanksTest, TwoEqualOneAfterTwentySteps) {
  ASSERT_EQ(Run("one", GetParam()), 0);
  std::vector<std::string> with_ranks = GetParam();
  with_ranks.emplace_back("--nproc=2");
  ASSERT_EQ(Run("two", with_ranks), 0);

  ASSERT_OK_AND_ASSIGN(const embedder::Bundle one, embedder::ReadBundle(dir_.Join("one")));
  ASSERT_OK_AND_ASSIGN(const embedder::Bundle two, embedder::ReadBundle(dir_.Join("two")));
  EXPECT_LE(LargestDifference(one.model, two.model), 1e-5);
  EXPECT_LE(LargestDifference(one.proxies, two.proxies), 1e-5);
}

// There is no augmentation, because each rank may augment an image of several triplets differently. No triplet lies at the margin,
// where rounding decides whether it counts.
TEST_F(TrainingTest, TwoRanksEqualOneOnTriplets) {
  std::string triplets = "anchor\tpositive\tnegative\n";
  const auto image = [](int label, int i) { return "data/class" + std::to_string(label) + "/" + std::to_string(i % 24) + ".png"; };
  for (int i = 0; i < 96; ++i) {
    triplets += image(i % 4, i / 4) + "\t" + image(i % 4, i / 4 + 5) + "\t" + image((i + 1 + i / 32) % 4, i) + "\n";
  }
  std::ofstream(dir_.Join("triplets.tsv")) << triplets;
  for (const std::string& loss : {std::string("proxies.count=16"), std::string("loss.triplet.margin=2")}) {
    const std::vector<std::string> settings = {
        "--set", "data.path=" + dir_.Join("triplets.tsv"), "--set", "augmentation.horizontal_flip=false",
        "--set", "augmentation.max_shift_pixels=0",        "--set", loss};
    std::vector<std::string> with_ranks = settings;
    with_ranks.emplace_back("--nproc=2");
    ASSERT_EQ(Run(loss + "one", settings), 0);
    ASSERT_EQ(Run(loss + "two", with_ranks), 0);

    ASSERT_OK_AND_ASSIGN(const embedder::Bundle one, embedder::ReadBundle(dir_.Join(loss + "one")));
    ASSERT_OK_AND_ASSIGN(const embedder::Bundle two, embedder::ReadBundle(dir_.Join(loss + "two")));
    EXPECT_LE(LargestDifference(one.model, two.model), 1e-5);
    EXPECT_LE(LargestDifference(one.proxies, two.proxies), 1e-5);
  }
}

TEST_F(TrainingTest, KilledAtAnyMomentEndsAsIfItHadNotBeen) {
  ASSERT_EQ(Run("whole"), 0);
  int kills = 0;
  int code = 0;
  do {
    Process run(Command("killed", {"--set", "checkpoint.every_steps=1"}));
    const std::string before = NewestCheckpoint("killed");
    // The kill comes after a new checkpoint, during a step or while the next checkpoint is written.
    AwaitCheckpoint("killed", before, run);
    run.Signal(SIGKILL);
    code = run.Wait();
    kills += code == kKilled ? 1 : 0;
  } while (code == kKilled && !PathExists(dir_.Join("killed")) && kills < 100);
  if (!PathExists(dir_.Join("killed"))) {
    ASSERT_EQ(Run("killed", {"--set", "checkpoint.every_steps=1"}), 0);
  }

  EXPECT_GE(kills, 3);
  EXPECT_EQ(Weights("whole"), Weights("killed"));
}

TEST_F(TrainingTest, ARankThatFailsEndsAllWithItsError) {
  Process run(Command("failed", {"--nproc=2", "--set", "epochs=100000", "--set", "data.hold_out=HOLD_OUT_NONE", "--set",
                                 "data.max_cached_bytes=0"}));
  AwaitCheckpoint("failed", "", run);

  // Every epoch reads the image again, in whichever rank has it in its part.
  std::ofstream(dir_.Join("data/class2/7.png")) << "no image";

  EXPECT_EQ(run.Wait(), kExitBadInput);
  EXPECT_FALSE(PathExists(dir_.Join("failed")));
}

TEST_F(TrainingTest, StopsWithACheckpointOnSigtermAlsoWithRanks) {
  ASSERT_EQ(Run("whole", {"--set", "epochs=40"}), 0);
  for (const std::string& ranks : {std::string("--nproc=1"), std::string("--nproc=2")}) {
    const std::string output = "stopped" + ranks.substr(ranks.size() - 1);
    Process run(Command(output, {"--set", "epochs=40", ranks}));
    AwaitCheckpoint(output, "", run);
    run.Signal(SIGTERM);
    EXPECT_EQ(run.Wait(), kExitTerminated) << ranks;
    EXPECT_FALSE(PathExists(dir_.Join(output)));
    ASSERT_EQ(Run(output, {"--set", "epochs=40"}), 0);
  }
  EXPECT_EQ(Weights("whole"), Weights("stopped1"));
}

}  // namespace
}  // namespace semblance
