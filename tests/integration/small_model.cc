#include "tests/integration/small_model.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/file.h"
#include "embedder/image/image.h"
#include "gtest/gtest.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_images.h"

namespace semblance::testing {
namespace {

constexpr int kSide = 24;

void WriteImages(const std::string& directory, int label, int first_variant, int count) {
  EXPECT_OK(CreateDirectories(directory));
  for (int i = 0; i < count; ++i) {
    std::ofstream(absl::StrFormat("%s/%03d.png", directory, i), std::ios::binary) << PatternImage(label, first_variant + i);
  }
}

}  // namespace

std::string PatternImage(int label, int variant) {
  std::mt19937 random(static_cast<uint32_t>(variant * 1000 + label));
  // The image has stripes. The class sets their direction and width, and the variant sets phase and noise.
  const double angle = label * 0.7;
  const double frequency = 0.35 + 0.15 * (label % 3);
  const double phase = std::uniform_real_distribution<double>(0, 6.28)(random);
  std::normal_distribution<double> noise(0, 40);
  embedder::Image image{.width = kSide, .height = kSide, .channels = 1, .pixels = {}};
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const double wave = std::sin(frequency * (x * std::cos(angle) + y * std::sin(angle)) * 2 + phase);
      image.pixels.push_back(static_cast<uint8_t>(std::clamp(128 + 80 * wave + noise(random), 0.0, 255.0)));
    }
  }
  return EncodePng(image);
}

void WritePatternFolder(const std::string& directory, int classes, int train_each, int test_each) {
  for (int label = 0; label < classes; ++label) {
    const std::string name = absl::StrCat("class_", label);
    WriteImages(absl::StrCat(directory, "/train/", name), label, 0, train_each);
    WriteImages(absl::StrCat(directory, "/test/", name), label, train_each, test_each);
  }
}

void TrainSmallModel(const std::string& data, const std::string& bundle, int epochs, int seed) {
  const std::string config = bundle + ".textproto";
  ASSERT_OK(WriteFileAtomically(
      config, absl::StrCat(R"pb(
                             model_name: "patterns"
                             model {
                               input_side: 24
                               input_channels: 1
                               dimension: 8
                               convnet_channels: 8
                               convnet_channels: 16
                               convnet_convolutions_per_stage: 1
                             }
                             batch_size: 32
                             evaluate_every_epochs: 0
                           )pb",
                           " output_dir: \"", bundle, "\" data { path: \"", data, "\" } epochs: ", epochs, " seed: ", seed)));
  EXPECT_EQ(RunProgram({SEMBLANCE_BIN_DIR "/semblance-trainer", "--config=" + config}), 0);
}

}  // namespace semblance::testing
