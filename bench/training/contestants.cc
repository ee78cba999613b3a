#include "bench/training/contestants.h"

#include <sys/wait.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bench/convergence/training_runs.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "config/training_config.h"
#include "dataset/dataset.h"
#include "trainer/data/augment.h"
#include "trainer/data/image_store.h"
#include "trainer/data/loader.h"
#include "trainer/data/sampler.h"
#include "trainer/report/training_log.h"

namespace semblance::bench {
namespace {

constexpr int64_t kMaxCachedBytes = int64_t{1} << 30;
// With this many epochs the first batches hardly influence the result.
constexpr int kLoaderEpochs = 8;

// Proxies start at random, because class means need a pass over the images. There are no test images, and no checkpoints during the
// run.
std::string Config(const TrainingCase& one, const std::string& images) {
  return absl::StrFormat(
      "model_name: \"training\"\n"
      "data { path: \"%s\" hold_out: HOLD_OUT_NONE }\n"
      "model { backbone: BACKBONE_%s input_side: %d dimension: %d }\n"
      "proxies { initialization: INITIALIZATION_RANDOM }\n"
      "optimizer { schedule: SCHEDULE_CONSTANT }\n"
      "batch_size: %d\n"
      "epochs: %d\n"
      "compute_threads: %d\n"
      "checkpoint { every_steps: 1000000 }\n"
      "device: \"cpu\"\n",
      images, absl::AsciiStrToUpper(one.network), one.side, one.dimension, one.batch, one.epochs + 1, one.threads);
}

std::string ReadAll(FILE* file) {
  std::string text;
  char buffer[4096];
  for (size_t count = std::fread(buffer, 1, sizeof(buffer), file); count > 0; count = std::fread(buffer, 1, sizeof(buffer), file)) {
    text.append(buffer, count);
  }
  return text;
}

absl::StatusOr<std::string> OutputOf(const std::string& command) {
  FILE* const output = ::popen(command.c_str(), "r");
  if (output == nullptr) {
    return absl::InternalError(absl::StrCat("cannot start ", command));
  }
  std::string text = ReadAll(output);
  const int status = ::pclose(output);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::InternalError(absl::StrCat("this failed: ", command));
  }
  return text;
}

v1::AugmentationConfig CropsAndColors() {
  v1::AugmentationConfig augmentation;
  augmentation.set_min_crop_area(0.3);
  augmentation.set_brightness(0.2);
  augmentation.set_contrast(0.2);
  augmentation.set_saturation(0.2);
  return augmentation;
}

}  // namespace

int ShiftOf(const TrainingCase& one) {
  return one.side / 16;
}

absl::StatusOr<double> MeasureTrainer(const TrainingCase& one, const std::string& images, const std::string& directory) {
  const std::string output = absl::StrCat(directory, "/", one.network);
  const std::string config = absl::StrCat(output, ".textproto");
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(config, Config(one, images)));
  SEMBLANCE_RETURN_IF_ERROR(Train(output, config, {}));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<trainer::LogRecord> records,
                             trainer::ReadTrainingLog(absl::StrCat(output, "/log.jsonl")));
  // The log has a line before training and one after each epoch.
  const double seconds = records.back().seconds - records[1].seconds;
  return one.images * one.epochs / seconds;
}

absl::StatusOr<double> MeasurePython(const TrainingCase& one, bool channels_last) {
  static constexpr char kPython[] = "/usr/bin/python3";
  if (!OutputOf(absl::StrCat(kPython, " -c 'import torch' 2>/dev/null")).ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(kPython, " has no torch; scripts/install_dependencies.sh --bench installs it"));
  }
  const int steps = one.images / one.batch;
  SEMBLANCE_ASSIGN_OR_RETURN(
      const std::string output,
      OutputOf(absl::StrFormat("%s '%s' --network=%s --side=%d --batch=%d --classes=%d --dimension=%d --shift=%d --images=%d "
                               "--warm_up=%d --steps=%d --threads=%d%s",
                               kPython, SEMBLANCE_PYTHON_LOOP, one.network, one.side, one.batch, one.classes, one.dimension,
                               ShiftOf(one), one.images, steps, steps * one.epochs, one.threads,
                               channels_last ? " --channels_last" : "")));
  const nlohmann::json result = nlohmann::json::parse(output, nullptr, /*allow_exceptions=*/false);
  if (!result.is_object() || !result.contains("images_per_second") || !result["images_per_second"].is_number()) {
    return absl::InternalError(absl::StrCat("the loop in Python printed \"", output, "\"; expected {\"images_per_second\": ...}"));
  }
  return result["images_per_second"].get<double>();
}

absl::StatusOr<double> MeasureLoader(const TrainingCase& one, const std::string& images, bool crops_and_colors) {
  v1::TrainingConfig config;
  config.mutable_model()->set_input_side(one.side);
  if (crops_and_colors) {
    *config.mutable_augmentation() = CropsAndColors();
  }
  config = config::WithDefaults(std::move(config));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<dataset::Dataset> dataset, dataset::OpenDataset(images));
  SEMBLANCE_ASSIGN_OR_RETURN(const embedder::Preprocessor preprocessor,
                             embedder::Preprocessor::Create(config::PreprocessingOf(config.model())));
  std::vector<int64_t> indices(static_cast<size_t>(dataset->size()));
  std::iota(indices.begin(), indices.end(), 0);
  const trainer::ImageStoreOptions store_options = {.threads = one.threads, .max_cached_bytes = kMaxCachedBytes, .stop = {}};
  SEMBLANCE_ASSIGN_OR_RETURN(
      const std::unique_ptr<trainer::ImageStore> store,
      trainer::ImageStore::Load(dataset.get(), std::move(indices), preprocessor, store_options, "load images"));
  trainer::PositionBatches batches;
  for (int epoch = 0; epoch < kLoaderEpochs; ++epoch) {
    for (std::vector<int64_t>& batch : trainer::ShuffledBatches(store->size(), one.batch, /*seed=*/1, epoch)) {
      batches.push_back(std::move(batch));
    }
  }
  const absl::Time start = absl::Now();
  trainer::Loader loader(store.get(), std::move(batches),
                         {.threads = one.threads, .augmentation = trainer::AugmentationOf(config.augmentation())});
  int64_t count = 0;
  while (true) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<trainer::LoadedBatch> batch, loader.Next());
    if (!batch.has_value()) {
      return static_cast<double>(count) / absl::ToDoubleSeconds(absl::Now() - start);
    }
    count += static_cast<int64_t>(batch->positions.size());
  }
}

}  // namespace semblance::bench
