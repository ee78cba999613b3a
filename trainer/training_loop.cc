#include "trainer/training_loop.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "trainer/batch_tensor.h"
#include "trainer/config.h"
#include "trainer/loader.h"
#include "trainer/sampler.h"
#include "trainer/schedule.h"

namespace semblance {
namespace {

// A sample of so many images suffices for the covariance of an embedding.
constexpr int kWhiteningBatchSize = 256;
constexpr size_t kWhiteningBatches = 40;

// A mean that forgets: over about the last hundred steps.
class RecentMean {
 public:
  void Add(double value) {
    weight_ = kKept * weight_ + 1;
    sum_ = kKept * sum_ + value;
  }
  double value() const { return sum_ / weight_; }

 private:
  static constexpr double kKept = 0.99;

  double sum_ = 0;
  double weight_ = 0;
};

class TrainingLoop {
 public:
  TrainingLoop(const v1::TrainingConfig& config, const TrainingInputs& inputs, const std::atomic<bool>& stop, Learner* learner)
      : config_(config),
        inputs_(inputs),
        stop_(stop),
        learner_(*learner),
        epoch_size_(SizeOf(EpochBatches(/*epoch=*/1))),
        total_steps_(config.epochs() * epoch_size_.steps),
        progress_("train", config.epochs() * epoch_size_.images, "images") {}

  absl::StatusOr<TrainingOutcome> Run() {
    TrainingOutcome outcome;
    SEMBLANCE_ASSIGN_OR_RETURN(outcome.untrained_recall, Evaluate("untrained"));
    outcome.recall = outcome.untrained_recall;
    const absl::Time start = absl::Now();
    for (int epoch = 1; epoch <= config_.epochs(); ++epoch) {
      SEMBLANCE_RETURN_IF_ERROR(RunEpoch(epoch));
      if (epoch == config_.epochs()) {
        SEMBLANCE_RETURN_IF_ERROR(Whiten());
        outcome.train_seconds = absl::ToDoubleSeconds(absl::Now() - start);
      }
      if (IsEvaluatedAfter(epoch)) {
        const std::string when = absl::StrFormat("epoch %d/%d, loss %.4f", epoch, config_.epochs(), loss_.value());
        SEMBLANCE_ASSIGN_OR_RETURN(outcome.recall, Evaluate(when));
      }
    }
    const double images_per_second = static_cast<double>(images_) / std::max(outcome.train_seconds, 1e-9);
    progress_.Finish(
        absl::StrFormat("%d steps in %s, %.0f images/s", step_, FormatSeconds(outcome.train_seconds), images_per_second));
    return outcome;
  }

 private:
  // The same for every epoch.
  struct EpochSize {
    int64_t steps = 0;
    int64_t images = 0;
  };

  static EpochSize SizeOf(const PositionBatches& batches) {
    EpochSize size;
    size.steps = static_cast<int64_t>(batches.size());
    for (const std::vector<int64_t>& batch : batches) {
      size.images += static_cast<int64_t>(batch.size());
    }
    return size;
  }

  PositionBatches EpochBatches(int epoch) const {
    const int samples_per_class = config_.sampler().samples_per_class();
    if (samples_per_class == 0) {
      return ShuffledBatches(inputs_.train->size(), config_.batch_size(), config_.seed(), epoch);
    }
    const BatchShape shape = {config_.batch_size() / samples_per_class, samples_per_class};
    return BalancedBatches(*inputs_.train_labels, shape, config_.seed(), epoch);
  }

  bool IsEvaluatedAfter(int epoch) const {
    const int every = config_.evaluate_every_epochs();
    return epoch == config_.epochs() || (every > 0 && epoch % every == 0);
  }

  LoaderOptions LoaderOptionsOf(int epoch) const {
    LoaderOptions options;
    options.threads = config_.loader_threads();
    options.augmentation = AugmentationOf(config_.augmentation());
    options.seed = config_.seed();
    options.epoch = epoch;
    return options;
  }

  absl::Status RunEpoch(int epoch) {
    Loader loader(inputs_.train, EpochBatches(epoch), LoaderOptionsOf(epoch));
    while (true) {
      SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader.Next());
      if (!batch.has_value()) {
        return absl::OkStatus();
      }
      if (stop_) {
        return absl::CancelledError(absl::StrCat("stopped before step ", step_ + 1, " of ", total_steps_));
      }
      SEMBLANCE_RETURN_IF_ERROR(RunStep(*batch));
      progress_.Update(images_, absl::StrFormat("epoch %d/%d, loss %.4f", epoch, config_.epochs(), loss_.value()));
    }
  }

  absl::Status RunStep(const Batch& batch) {
    const double factor = LearningRateFactor(config_.optimizer().schedule(), step_, total_steps_);
    ++step_;
    const absl::StatusOr<float> loss = learner_.Step(PixelsTensor(batch, inputs_.train->preprocessor(), learner_.device()),
                                                     LabelsTensor(batch, *inputs_.train_labels, learner_.device()), factor);
    if (!loss.ok()) {
      return WithContext(loss.status(), absl::StrCat("step ", step_, " of ", total_steps_));
    }
    loss_.Add(*loss);
    images_ += static_cast<int64_t>(batch.positions.size());
    return absl::OkStatus();
  }

  absl::Status Whiten() {
    if (config_.whitening() == 0) {
      return absl::OkStatus();
    }
    PositionBatches sample = ShuffledBatches(inputs_.train->size(), kWhiteningBatchSize, config_.seed(), /*epoch=*/0);
    sample.resize(std::min(sample.size(), kWhiteningBatches));
    SEMBLANCE_ASSIGN_OR_RETURN(const torch::Tensor embeddings, ForwardAll(learner_.net(), *inputs_.train, std::move(sample),
                                                                          config_.loader_threads(), learner_.device()));
    return learner_.Whiten(embeddings, config_.whitening());
  }

  absl::StatusOr<Recalls> Evaluate(absl::string_view when) {
    SEMBLANCE_ASSIGN_OR_RETURN(Recalls recalls, EvaluateRecall(learner_.net(), *inputs_.test, *inputs_.test_labels,
                                                               config_.loader_threads(), learner_.device()));
    progress_.Note(absl::StrCat(when, recalls.empty() ? "" : ": ", FormatRecalls(recalls)));
    return recalls;
  }

  const v1::TrainingConfig& config_;
  const TrainingInputs inputs_;
  const std::atomic<bool>& stop_;
  Learner& learner_;
  const EpochSize epoch_size_;
  const int64_t total_steps_;
  ProgressReporter progress_;
  int64_t step_ = 0;
  int64_t images_ = 0;
  RecentMean loss_;
};

}  // namespace

absl::StatusOr<TrainingOutcome> RunTrainingLoop(const v1::TrainingConfig& config, const TrainingInputs& inputs,
                                                const std::atomic<bool>& stop, Learner* learner) {
  return TrainingLoop(config, inputs, stop, learner).Run();
}

}  // namespace semblance
