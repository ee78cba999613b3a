#include "trainer/training_loop.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/logging.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "config/training_config.h"
#include "embedder/torch/device.h"
#include "trainer/data/augment.h"
#include "trainer/data/loader.h"
#include "trainer/data/sampler.h"
#include "trainer/learning/batch_tensor.h"
#include "trainer/learning/feature_cache.h"
#include "trainer/learning/input_batches.h"
#include "trainer/learning/proxy_start.h"
#include "trainer/learning/schedule.h"
#include "trainer/learning/snapshot.h"
#include "trainer/proxies/proxy_health_report.h"
#include "trainer/report/run_log.h"
#include "trainer/run_identity.h"

namespace semblance::trainer {
namespace {

// This many images are enough to estimate the covariance of an embedding.
constexpr int64_t kMaxWhiteningImages = 10'240;
// The running mean of the loss covers about the last hundred steps.
constexpr double kLossKept = 0.99;
constexpr double kNotMeasured = -1;
// With cached features an epoch can be shorter than writing a checkpoint, so at most one checkpoint is written in this time. If the
// process is killed, it loses at most that much work.
constexpr absl::Duration kCheckpointPause = absl::Seconds(5);
constexpr char kBestPrefix[] = "best_";

double QualityOf(const std::optional<Evaluation>& evaluation) {
  return evaluation.has_value() ? evaluation->quality() : kNotMeasured;
}

class TrainingLoop {
 public:
  TrainingLoop(const v1::TrainingConfig& config, const TrainingInputs& inputs, const std::stop_token& stop, Learner* learner)
      : config_(config),
        inputs_(inputs),
        stop_(stop),
        learner_(*learner),
        epoch_size_(EpochSizeOf(config, inputs.train)),
        total_steps_(config.epochs() * epoch_size_.steps),
        progress_("train", config.epochs() * epoch_size_.images, "images") {}

  absl::StatusOr<TrainingOutcome> Run() {
    SEMBLANCE_ASSIGN_OR_RETURN(const bool is_resumed, ResumeFromCheckpoint());
    const absl::Time features_start = absl::Now();
    // The features must be computed by the backbone in the checkpoint, which may differ from the initial one.
    SEMBLANCE_RETURN_IF_ERROR(CacheFeatures(config_, learner_, stop_, {&inputs_.train, &inputs_.validation, &inputs_.test}));
    const absl::Duration feature_time = absl::Now() - features_start;
    if (!is_resumed) {
      SEMBLANCE_RETURN_IF_ERROR(Begin());
    }
    segment_start_ = absl::Now() - feature_time;
    evaluation_time_ = absl::ZeroDuration();
    while (state_.epochs() < config_.epochs() && !HasLostPatience()) {
      SEMBLANCE_RETURN_IF_ERROR(RunEpoch(state_.epochs() + 1));
    }
    return Finish();
  }

 private:
  bool has_triplets() const { return inputs_.train.triplets != nullptr; }

  bool IsEvaluatedAfter(int epoch) const {
    const int every = config_.evaluate_every_epochs();
    return every > 0 && epoch % every == 0;
  }

  bool Validates() const { return inputs_.validation.images != nullptr && inputs_.validation.images->size() > 0; }
  bool HasLostPatience() const {
    return config_.validation().patience() > 0 && state_.evaluations_since_best() >= config_.validation().patience();
  }

  // The time of training, without the evaluations.
  double TrainSeconds() const {
    return state_.train_seconds() + absl::ToDoubleSeconds(absl::Now() - segment_start_ - evaluation_time_);
  }
  double MeanLoss() const { return state_.loss_sum() / std::max(state_.loss_weight(), 1e-9); }

  absl::Status Begin() {
    state_.set_best_validation_recall(kNotMeasured);
    SEMBLANCE_RETURN_IF_ERROR(OpenLog());
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<Evaluation> untrained, EvaluateTest("untrained", Thoroughness::kFull));
    if (untrained.has_value()) {
      *state_.mutable_untrained() = ToEvaluationRecord(*untrained);
    }
    SEMBLANCE_RETURN_IF_ERROR(Validate(/*epoch=*/0));
    SEMBLANCE_RETURN_IF_ERROR(AppendRecord(/*epoch=*/0));
    SEMBLANCE_RETURN_IF_ERROR(StartProxies(config_, inputs_.train, &learner_));
    if (learner_.uses_proxies()) {
      torch::Tensor proxies = learner_.proxies().values().detach().clone();
      learner_.ranks().CopyFromFirst(&proxies);
      learner_.proxies().Restore(proxies);
    }
    return absl::OkStatus();
  }

  absl::Status RunEpoch(int epoch) {
    learner_.FreezeBackbone(epoch <= config_.warm_up_epochs());
    const Ranks& ranks = learner_.ranks();
    PositionBatches batches = EpochBatches(config_, inputs_.train, epoch);
    const bool is_whole = state_.steps_of_epoch() == 0;
    InputBatches inputs(inputs_.train, RankShare(batches, ranks.rank(), ranks.world_size()), LoaderOptionsOf(epoch),
                        learner_.device());
    batches.erase(batches.begin(), batches.begin() + state_.steps_of_epoch());
    for (const std::vector<int64_t>& whole_batch : batches) {
      SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<InputBatch> batch, inputs.Next());
      if (ranks.Any(stop_.stop_requested())) {
        return Stop();
      }
      SEMBLANCE_RETURN_IF_ERROR(RunStep(*batch));
      state_.set_images(state_.images() + static_cast<int64_t>(whole_batch.size()));
      if (ranks.is_first()) {
        progress_.Update(state_.images(), absl::StrFormat("epoch %d/%d, loss %.4f", epoch, config_.epochs(), MeanLoss()));
        ReportProgress(epoch);
      }
      if (config_.checkpoint().every_steps() > 0 && state_.steps() % config_.checkpoint().every_steps() == 0) {
        SEMBLANCE_RETURN_IF_ERROR(WriteCheckpoint());
      }
    }
    return EndEpoch(epoch, is_whole);
  }

  absl::Status EndEpoch(int epoch, bool is_whole) {
    state_.set_epochs(epoch);
    state_.set_steps_of_epoch(0);
    record_ = {{"loss/train", MeanLoss()}};
    SEMBLANCE_RETURN_IF_ERROR(ReportHealth(epoch, is_whole));
    const bool is_last = epoch == config_.epochs();
    if (IsEvaluatedAfter(epoch) || is_last) {
      SEMBLANCE_RETURN_IF_ERROR(
          EvaluateTest(absl::StrFormat("epoch %d/%d, loss %.4f", epoch, config_.epochs(), MeanLoss()), Thoroughness::kQuick)
              .status());
      SEMBLANCE_RETURN_IF_ERROR(Validate(epoch));
    }
    SEMBLANCE_RETURN_IF_ERROR(AppendRecord(epoch));
    const bool is_due = config_.checkpoint().every_steps() == 0 && absl::Now() - checkpoint_time_ >= kCheckpointPause;
    return is_due ? WriteCheckpoint() : absl::OkStatus();
  }

  LoaderOptions LoaderOptionsOf(int epoch) const {
    LoaderOptions options;
    options.threads = config_.loader_threads();
    options.augmentation = AugmentationOf(config_.augmentation());
    options.seed = config_.seed();
    options.epoch = epoch;
    options.first_batch = static_cast<size_t>(state_.steps_of_epoch());
    return options;
  }

  absl::Status RunStep(const InputBatch& batch) {
    const double factor = LearningRateFactor(config_.optimizer(), state_.steps(), total_steps_, epoch_size_.steps);
    const torch::Tensor labels =
        has_triplets() ? torch::Tensor() : LabelsTensor(batch.positions, *inputs_.train.labels, learner_.device());
    const absl::StatusOr<float> loss = learner_.Step(batch.inputs, labels, factor);
    state_.set_steps(state_.steps() + 1);
    state_.set_steps_of_epoch(state_.steps_of_epoch() + 1);
    if (!loss.ok()) {
      LOG(ERROR) << "the images of step " << state_.steps() << ": " << absl::StrJoin(IdsOf(batch), ", ");
      return WithContext(loss.status(), absl::StrCat("step ", state_.steps(), " of ", total_steps_));
    }
    state_.set_loss_sum(kLossKept * state_.loss_sum() + *loss);
    state_.set_loss_weight(kLossKept * state_.loss_weight() + 1);
    return absl::OkStatus();
  }

  std::vector<std::string> IdsOf(const InputBatch& batch) const {
    std::vector<std::string> ids;
    for (const int64_t position : batch.positions) {
      ids.push_back(inputs_.train.images->id(position));
    }
    return ids;
  }

  void ReportProgress(int epoch) {
    storage::v1::TrainerProgress& progress = inputs_.progress->progress();
    const double rate = static_cast<double>(state_.images()) / std::max(TrainSeconds(), 1e-9);
    progress.set_step(state_.steps());
    progress.set_total_steps(total_steps_);
    progress.set_epoch(epoch);
    progress.set_total_epochs(config_.epochs());
    progress.set_loss(MeanLoss());
    progress.set_images_per_second(rate);
    progress.set_seconds_left(static_cast<double>(config_.epochs() * epoch_size_.images - state_.images()) / std::max(rate, 1e-9));
    progress.set_activity("training");
    inputs_.progress->Write();
  }

  void Note(absl::string_view line) {
    if (learner_.ranks().is_first()) {
      progress_.Note(line);
    }
  }

  // `is_whole` says that the meter has measured every step of the epoch.
  absl::Status ReportHealth(int epoch, bool is_whole) {
    if (!learner_.uses_proxies()) {
      return absl::OkStatus();
    }
    const ProxyHealth health = learner_.TakeHealth();
    Note(absl::StrFormat("epoch %d/%d, proxies: %s", epoch, config_.epochs(), FormatHealth(health)));
    const std::vector<NamedValue> values = NamedValuesOf(health);
    record_.insert(record_.end(), values.begin(), values.end());
    return is_whole && learner_.moves_every_proxy()
               ? WithContext(CheckNotStuck(health, *inputs_.classes), absl::StrCat("epoch ", epoch))
               : absl::OkStatus();
  }

  // Only the first rank measures. The others continue, and wait for it at their next step.
  absl::StatusOr<std::optional<Evaluation>> EvaluateTest(absl::string_view when, Thoroughness thoroughness) {
    inputs_.progress->WriteActivity("evaluating");
    SEMBLANCE_ASSIGN_OR_RETURN(std::optional<Evaluation> evaluation, Evaluate(inputs_.test, thoroughness));
    if (evaluation.has_value()) {
      if (!has_triplets()) {
        inputs_.progress->progress().set_recall_at_1(evaluation->quality());
      }
      const std::vector<NamedValue> values = NamedValuesOf(*evaluation);
      record_.insert(record_.end(), values.begin(), values.end());
    }
    Note(absl::StrCat(when, evaluation.has_value() ? ": " : "", FormatEvaluation(evaluation)));
    return evaluation;
  }

  absl::StatusOr<std::optional<Evaluation>> Evaluate(const LabeledImages& examples, Thoroughness thoroughness) {
    if (!learner_.ranks().is_first()) {
      return std::nullopt;
    }
    const absl::Time start = absl::Now();
    absl::StatusOr<std::optional<Evaluation>> evaluation = EvaluateImages(
        learner_.net(), examples, {.threads = config_.loader_threads(), .device = learner_.device(), .thoroughness = thoroughness});
    evaluation_time_ += absl::Now() - start;
    return evaluation;
  }

  // Keeps the state of the learner if it is the best so far.
  absl::Status Validate(int epoch) {
    if (!Validates()) {
      return absl::OkStatus();
    }
    inputs_.progress->WriteActivity("evaluating");
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<Evaluation> evaluation, Evaluate(inputs_.validation, Thoroughness::kQuick));
    const double quality = learner_.ranks().FromFirst(QualityOf(evaluation));
    record_.push_back({has_triplets() ? "triplets/validation_accuracy" : "recall/validation_at_1", quality});
    const bool is_best = quality > state_.best_validation_recall();
    Note(absl::StrFormat("epoch %d/%d, %s %.4f%s", epoch, config_.epochs(),
                         has_triplets() ? "validation triplets: accuracy" : "validation classes: recall@1", quality,
                         is_best ? ", the best so far" : ""));
    state_.set_evaluations_since_best(is_best ? 0 : state_.evaluations_since_best() + 1);
    if (is_best) {
      state_.set_best_validation_recall(quality);
      state_.set_best_epoch(epoch);
      best_ = TrainedStateOf(learner_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<TrainingOutcome> Finish() {
    if (Validates() && state_.best_epoch() != state_.epochs()) {
      SEMBLANCE_RETURN_IF_ERROR(LoadTrainedState(best_, &learner_));
    }
    TrainingOutcome outcome;
    if (!learner_.ranks().is_first()) {
      return outcome;
    }
    SEMBLANCE_RETURN_IF_ERROR(Whiten());
    outcome.train_seconds = TrainSeconds();
    outcome.steps = state_.steps();
    outcome.images = state_.images();
    outcome.epoch = Validates() ? state_.best_epoch() : state_.epochs();
    if (state_.has_untrained()) {
      outcome.untrained = state_.untrained();
    }
    SEMBLANCE_ASSIGN_OR_RETURN(outcome.trained,
                               EvaluateTest(absl::StrCat("kept: the network of epoch ", outcome.epoch), Thoroughness::kFull));
    const double images_per_second = static_cast<double>(state_.images()) / std::max(outcome.train_seconds, 1e-9);
    progress_.Finish(
        absl::StrFormat("%d steps in %s, %.0f images/s", state_.steps(), FormatSeconds(outcome.train_seconds), images_per_second));
    return outcome;
  }

  absl::Status Whiten() {
    if (config_.whitening() == 0 || config_.epochs() == 0) {
      return absl::OkStatus();
    }
    PositionBatches sample = SampleBatches(inputs_.train.images->size(), kMaxWhiteningImages, config_.seed());
    SEMBLANCE_ASSIGN_OR_RETURN(const torch::Tensor embeddings, ForwardAll(learner_.net(), inputs_.train, std::move(sample),
                                                                          config_.loader_threads(), learner_.device()));
    return learner_.Whiten(embeddings, config_.whitening());
  }

  absl::Status OpenLog() {
    if (!learner_.ranks().is_first()) {
      return absl::OkStatus();
    }
    SEMBLANCE_ASSIGN_OR_RETURN(log_, RunLog::Open(inputs_.checkpoints->directory(), state_.steps()));
    return absl::OkStatus();
  }

  // Adds the measurements since the last record to the log.
  absl::Status AppendRecord(int epoch) {
    LogRecord record;
    record.step = state_.steps();
    record.epoch = epoch;
    record.seconds = TrainSeconds();
    record.values = std::exchange(record_, {});
    return log_ == nullptr ? absl::OkStatus() : log_->Append(record);
  }

  absl::Status Stop() {
    SEMBLANCE_RETURN_IF_ERROR(WriteCheckpoint());
    return absl::CancelledError(absl::StrCat("stopped after step ", state_.steps(), " of ", total_steps_, "; the checkpoint is in ",
                                             inputs_.checkpoints->directory(), ": the same command resumes the run"));
  }

  absl::Status WriteCheckpoint() {
    if (!learner_.ranks().is_first()) {
      return absl::OkStatus();
    }
    Checkpoint checkpoint;
    SetRun(config_, DigestOf(inputs_.train), &checkpoint.manifest);
    *checkpoint.manifest.mutable_progress() = state_;
    checkpoint.manifest.mutable_progress()->set_train_seconds(TrainSeconds());
    checkpoint.files = TakeSnapshot(learner_);
    if (!best_.empty()) {
      checkpoint.files.merge(FilesOf(best_, kBestPrefix));
    }
    checkpoint_time_ = absl::Now();
    return inputs_.checkpoints->Write(std::move(checkpoint));
  }

  // Returns false if there is no checkpoint.
  absl::StatusOr<bool> ResumeFromCheckpoint() {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::optional<Checkpoint> checkpoint, inputs_.checkpoints->ReadNewest());
    if (!checkpoint.has_value()) {
      return false;
    }
    const std::string& directory = inputs_.checkpoints->directory();
    if (!BelongsToRun(checkpoint->manifest, config_, DigestOf(inputs_.train))) {
      return absl::FailedPreconditionError(absl::StrCat(
          directory, " has a checkpoint of a run with another configuration or other data; remove it, or name another output_dir"));
    }
    state_ = checkpoint->manifest.progress();
    SEMBLANCE_RETURN_IF_ERROR(OpenLog());
    SEMBLANCE_RETURN_IF_ERROR(RestoreSnapshot(checkpoint->files, &learner_));
    if (Validates() && state_.best_validation_recall() != kNotMeasured) {
      SEMBLANCE_ASSIGN_OR_RETURN(best_, StateFrom(checkpoint->files, kBestPrefix));
    }
    Note(absl::StrCat("resumes after step ", state_.steps(), " of ", total_steps_, " (", directory, ")"));
    return true;
  }

  const v1::TrainingConfig& config_;
  TrainingInputs inputs_;
  const std::stop_token stop_;
  Learner& learner_;
  const EpochSize epoch_size_;
  const int64_t total_steps_;
  ProgressReporter progress_;
  storage::v1::TrainingProgress state_;
  absl::Time segment_start_ = absl::Now();
  absl::Duration evaluation_time_;
  absl::Time checkpoint_time_ = absl::InfinitePast();
  // Null on all ranks but the first.
  std::unique_ptr<RunLog> log_;
  std::vector<NamedValue> record_;
  // The state after the best epoch on the validation classes.
  TrainedState best_;
};

}  // namespace

absl::StatusOr<TrainingOutcome> RunTrainingLoop(const v1::TrainingConfig& config, const TrainingInputs& inputs,
                                                const std::stop_token& stop, Learner* learner) {
  TrainingOutcome outcome;
  SEMBLANCE_RETURN_IF_ERROR(learner->ranks().CatchErrors([&]() -> absl::Status {
    SEMBLANCE_ASSIGN_OR_RETURN(outcome, TrainingLoop(config, inputs, stop, learner).Run());
    return absl::OkStatus();
  }));
  return outcome;
}

}  // namespace semblance::trainer
