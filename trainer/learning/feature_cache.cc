#include "trainer/learning/feature_cache.h"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "config/training_config.h"
#include "embedder/torch/device.h"
#include "trainer/data/loader.h"
#include "trainer/data/sampler.h"
#include "trainer/learning/batch_tensor.h"

namespace semblance::trainer {
namespace {

constexpr int kFeatureBatchSize = 256;  // Of each rank.

int64_t CountImages(const std::vector<LabeledImages*>& splits) {
  int64_t count = 0;
  for (const LabeledImages* split : splits) {
    count += split->images == nullptr ? 0 : split->images->size();
  }
  return count;
}

class FeatureCache {
 public:
  FeatureCache(const v1::TrainingConfig& config, const Learner& learner, const std::stop_token& stop, int64_t image_count)
      : threads_(config.loader_threads()),
        learner_(learner),
        net_(learner.net()),
        stop_(stop),
        width_(net_->HeadParameters().front().size(1)),
        progress_("compute features", image_count, "images") {}

  int64_t width() const { return width_; }

  absl::StatusOr<torch::Tensor> FeaturesOf(const ImageStore& images) {
    const Ranks& ranks = learner_.ranks();
    const PositionBatches batches = SequentialBatches(images.size(), kFeatureBatchSize * ranks.world_size());
    LoaderOptions options;
    options.threads = threads_;
    Loader loader(&images, RankShare(batches, ranks.rank(), ranks.world_size()), options);
    torch::Tensor features;
    SEMBLANCE_RETURN_IF_ERROR(embedder::CatchTorchErrors([&] { features = torch::empty({images.size(), width_}); }));
    int64_t begin = 0;
    for (const std::vector<int64_t>& whole_batch : batches) {
      SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<LoadedBatch> batch, loader.Next());
      if (ranks.Any(stop_.stop_requested())) {
        return absl::CancelledError("stopped while computing the features");
      }
      const auto end = begin + static_cast<int64_t>(whole_batch.size());
      SEMBLANCE_RETURN_IF_ERROR(embedder::CatchTorchErrors([&] {
        const torch::NoGradGuard no_grad;
        features.slice(0, begin, end).copy_(ranks.Gather(OwnFeatures(*batch, images.preprocessor())));
      }));
      begin = end;
      done_ += static_cast<int64_t>(whole_batch.size());
      if (ranks.is_first()) {
        progress_.Update(done_, "");
      }
    }
    return features;
  }

  void Finish() {
    if (learner_.ranks().is_first()) {
      progress_.Finish(absl::StrCat(done_, " images, ", width_, " features each"));
    }
  }

 private:
  // On the device.
  torch::Tensor OwnFeatures(const LoadedBatch& batch, const embedder::Preprocessor& preprocessor) {
    if (batch.positions.empty()) {
      return torch::empty({0, width_}, learner_.device());
    }
    return net_->Backbone(PixelsTensor(batch, preprocessor, learner_.device())).to(torch::kFloat32);
  }

  const int threads_;
  const Learner& learner_;
  embedder::EmbeddingNet net_;
  const std::stop_token stop_;
  const int64_t width_;
  ProgressReporter progress_;
  int64_t done_ = 0;
};

absl::Status CheckFit(int64_t images, int64_t width, int64_t max_bytes) {
  const int64_t bytes = images * width * static_cast<int64_t>(sizeof(float));
  if (bytes <= max_bytes) {
    return absl::OkStatus();
  }
  return InvalidField("data.max_cached_bytes", v1::ERROR_REASON_CONFIG_INVALID,
                      absl::StrCat("data.max_cached_bytes is ", max_bytes, "; model.cache_features takes ", bytes, " for ", images,
                                   " images with ", width, " features each"));
}

}  // namespace

absl::Status CacheFeatures(const v1::TrainingConfig& config, const Learner& learner, const std::stop_token& stop,
                           const std::vector<LabeledImages*>& splits) {
  if (!config.model().cache_features()) {
    return absl::OkStatus();
  }
  embedder::EmbeddingNet net = learner.net();
  const int64_t image_count = CountImages(splits);
  FeatureCache cache(config, learner, stop, image_count);
  SEMBLANCE_RETURN_IF_ERROR(CheckFit(image_count, cache.width(), config.data().max_cached_bytes()));
  net->eval();
  const absl::Cleanup back_to_training = [&net] { net->train(); };
  for (LabeledImages* const split : splits) {
    if (split->images != nullptr && split->images->size() > 0) {
      SEMBLANCE_ASSIGN_OR_RETURN(split->features, cache.FeaturesOf(*split->images));
    }
  }
  cache.Finish();
  return absl::OkStatus();
}

}  // namespace semblance::trainer
