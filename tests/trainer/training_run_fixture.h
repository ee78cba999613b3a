// A fixture for runs of training on a folder of small images.
#ifndef SEMBLANCE_TESTS_TRAINER_TRAINING_RUN_FIXTURE_H_
#define SEMBLANCE_TESTS_TRAINER_TRAINING_RUN_FIXTURE_H_

#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <vector>

#include "common/file.h"
#include "config/training_config.h"
#include "dataset/png_encoder.h"
#include "embedder/bundle/bundle.h"
#include "gtest/gtest.h"
#include "tests/embedder/torch/script_program.h"
#include "tests/testing/temp_dir.h"
#include "trainer/data/random.h"
#include "trainer/training_run.h"

namespace semblance::testing {

// Makes noisy images of 16 x 16 pixels, 20 each of dark, middle and bright.
inline void WriteClassImages(const TempDir& dir) {
  const std::vector<std::string> classes = {"bright", "dark", "middle"};
  for (size_t label = 0; label < classes.size(); ++label) {
    std::filesystem::create_directories(dir.Join("data/" + classes[label]));
    for (int i = 0; i < 20; ++i) {
      trainer::Random random(1, label, static_cast<uint64_t>(i));
      std::string pixels;
      for (int pixel = 0; pixel < 256; ++pixel) {
        pixels.push_back(static_cast<char>(random.Between(60 * static_cast<int>(label), 60 * static_cast<int>(label) + 90)));
      }
      std::ofstream(dir.Join("data/" + classes[label] + "/" + std::to_string(i) + ".png"), std::ios::binary)
          << dataset::EncodeGrayPng(pixels, 16, 16).value();
    }
  }
}

class TrainingRunFixture : public ::testing::Test {
 protected:
  TrainingRunFixture() { WriteClassImages(dir_); }

  // The config of a run that takes about a second.
  v1::TrainingConfig Config(const std::string& output) const {
    v1::TrainingConfig config;
    config.set_model_name("test");
    config.set_output_dir(dir_.Join(output));
    config.mutable_data()->set_path(dir_.Join("data"));
    config.mutable_data()->set_hold_out_fraction(0.3);
    config.mutable_model()->set_input_side(16);
    config.mutable_model()->set_input_channels(1);
    config.mutable_model()->set_dimension(8);
    config.mutable_model()->add_convnet_channels(4);
    config.mutable_model()->add_convnet_channels(8);
    config.set_batch_size(8);
    config.set_epochs(3);
    config.set_device("cpu");
    return config::WithDefaults(config);
  }

  // The same with a frozen backbone and without augmentation.
  v1::TrainingConfig FrozenConfig(const std::string& output) const {
    v1::TrainingConfig config = Config(output);
    config.mutable_model()->set_freeze_backbone(true);
    config.mutable_augmentation()->set_horizontal_flip(false);
    config.mutable_augmentation()->set_max_shift_pixels(0);
    return config;
  }

  // Makes a TorchScript program the backbone.
  void UseProgram(v1::TrainingConfig* config) const {
    std::ofstream(dir_.Join("program.pt"), std::ios::binary) << ScriptProgram(1);
    config->mutable_model()->clear_convnet_channels();
    config->mutable_model()->clear_convnet_convolutions_per_stage();
    config->mutable_model()->clear_pooling();
    config->mutable_model()->set_backbone(v1::ModelConfig::BACKBONE_TORCHSCRIPT);
    config->mutable_model()->set_torchscript_path(dir_.Join("program.pt"));
    *config = config::WithDefaults(*config);
  }

  // The weights of the network and of the proxies, if there are any.
  std::string Weights(const std::string& output) const {
    const std::string proxies = dir_.Join(output + "/" + embedder::kBundleProxiesFile);
    return ReadFile(dir_.Join(output + "/" + embedder::kBundleModelFile)).value() +
           (PathExists(proxies) ? ReadFile(proxies).value() : std::string());
  }

  const TempDir dir_;
  std::stop_source stop_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TRAINER_TRAINING_RUN_FIXTURE_H_
