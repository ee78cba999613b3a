#include "config/training_conflicts.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/error.h"
#include "config/loss_traits.h"
#include "config/training_config.h"
#include "embedder/bundle/manifest.h"

namespace semblance::config {
namespace {

using v1::AugmentationConfig;
using v1::LossConfig;
using v1::ModelConfig;
using v1::OptimizerConfig;
using v1::ProxyConfig;
using v1::ProxyNcaConfig;
using v1::TrainingConfig;

// Keeps the first complaint of many.
class ConflictCheck {
 public:
  ConflictCheck& Require(bool holds, absl::string_view field, absl::string_view message) {
    if (status_.ok() && !holds) {
      status_ = InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(field, " ", message));
    }
    return *this;
  }

  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

void CheckData(const TrainingConfig& config, ConflictCheck* check) {
  check
      ->Require(!config.data().path().empty() || !config.data().catalog_path().empty(), "data.path",
                "is missing: where the images are")
      .Require(config.data().path().empty() || config.data().catalog_path().empty(), "data.catalog_path",
               "does not go with data.path: name one of them")
      .Require(config.validation().patience() == 0 || config.validation().fraction() > 0, "validation.patience",
               "needs validation.fraction: there is nothing to measure");
}

bool TakesLabelSmoothing(const LossConfig& loss) {
  return loss.has_normalized_softmax() || loss.has_soft_triple() ||
         (loss.has_proxy_nca() && loss.proxy_nca().denominator() == ProxyNcaConfig::DENOMINATOR_ALL);
}

void CheckLoss(const LossConfig& loss, ConflictCheck* check) {
  check->Require(loss.label_smoothing() == 0 || TakesLabelSmoothing(loss), "loss.label_smoothing",
                 "is defined for softmax losses with the positive in the denominator only: proxy_nca with DENOMINATOR_ALL, "
                 "normalized_softmax and soft_triple");
}

void CheckProxies(const TrainingConfig& config, ConflictCheck* check) {
  const ProxyConfig& proxies = config.proxies();
  if (!UsesProxies(config.loss())) {
    return;
  }
  const bool is_dynamic = proxies.assignment() == ProxyConfig::ASSIGNMENT_DYNAMIC;
  check
      ->Require(proxies.count() == 0 || proxies.per_class() == 0, "proxies.count",
                "and per_class are both set; leave one of them out")
      .Require(proxies.count() == 0 || is_dynamic, "proxies.count",
               "is for proxies that belong to no class, and so needs ASSIGNMENT_DYNAMIC; set proxies.per_class otherwise")
      .Require(is_dynamic || proxies.initialization() != ProxyConfig::INITIALIZATION_EXAMPLES, "proxies.initialization",
               "is INITIALIZATION_EXAMPLES, which needs ASSIGNMENT_DYNAMIC")
      .Require(proxies.per_class() < 1 || proxies.per_class() == std::floor(proxies.per_class()), "proxies.per_class",
               absl::StrCat("is ", proxies.per_class(), "; expected a whole number, or a share between 0 and 1"))
      .Require(!config.loss().has_soft_triple() || (proxies.per_class() >= 1 && !is_dynamic), "proxies.per_class",
               "is below 1, or proxies.assignment dynamic; loss.soft_triple needs centers of every class")
      .Require(proxies.sampled_negatives() == 0 || (!config.loss().has_soft_triple() && proxies.per_class() <= 1 && !is_dynamic),
               "proxies.sampled_negatives", "needs at most one proxy for each class, assigned statically");
}

// The opposite of CheckProxies: fields that have no effect, because the loss has no proxies.
void CheckNoProxies(const TrainingConfig& config, ConflictCheck* check) {
  if (UsesProxies(config.loss())) {
    return;
  }
  const ProxyConfig& proxies = config.proxies();
  constexpr char kUnused[] = "is set, but the loss compares examples with one another and has no proxies";
  check->Require(proxies.assignment() == ProxyConfig::ASSIGNMENT_UNSPECIFIED, "proxies.assignment", kUnused)
      .Require(proxies.per_class() == 0, "proxies.per_class", kUnused)
      .Require(proxies.count() == 0, "proxies.count", kUnused)
      .Require(proxies.initialization() == ProxyConfig::INITIALIZATION_UNSPECIFIED, "proxies.initialization", kUnused)
      .Require(proxies.sampled_negatives() == 0, "proxies.sampled_negatives", kUnused);
}

void CheckOptimizer(const OptimizerConfig& optimizer, ConflictCheck* check) {
  const bool decays =
      optimizer.schedule() == OptimizerConfig::SCHEDULE_EXPONENTIAL || optimizer.schedule() == OptimizerConfig::SCHEDULE_STEP;
  check->Require(decays || (optimizer.decay_factor() == 0 && optimizer.decay_epochs() == 0), "optimizer.decay_factor",
                 "and decay_epochs have a meaning with SCHEDULE_EXPONENTIAL and SCHEDULE_STEP only");
}

void CheckConvnet(const ModelConfig& model, ConflictCheck* check) {
  if (model.backbone() != ModelConfig::BACKBONE_SMALL_CONVNET) {
    check->Require(model.convnet_channels().empty() && model.convnet_convolutions_per_stage() == 0, "model.convnet_channels",
                   "and convnet_convolutions_per_stage have a meaning with BACKBONE_SMALL_CONVNET only");
    return;
  }
  const int stages = model.convnet_channels_size();
  check->Require(stages < 31 && model.input_side() >> stages >= 1, "model.convnet_channels",
                 absl::StrCat("names ", stages, " stages; each halves the side, which is too many for an input of ",
                              model.input_side(), " pixels"));
}

void CheckResnet(const ModelConfig& model, ConflictCheck* check) {
  check->Require(IsResnet(model) || (model.resnet_base_width() == 0 && !model.resnet_small_image_stem()), "model.resnet_base_width",
                 "and resnet_small_image_stem have a meaning with ResNets only");
  const bool can_flatten = !IsResnet(model) && model.backbone() != ModelConfig::BACKBONE_BN_INCEPTION;
  check->Require(can_flatten || model.pooling() != ModelConfig::POOLING_FLATTEN, "model.pooling",
                 "is POOLING_FLATTEN, which is for the small convnet and TorchScript only");
}

// Where weights come from.
void CheckSources(const ModelConfig& model, ConflictCheck* check) {
  const bool is_script = model.backbone() == ModelConfig::BACKBONE_TORCHSCRIPT;
  const bool is_pretrained = !model.pretrained_path().empty();
  check
      ->Require(is_script == !model.torchscript_path().empty(), "model.torchscript_path",
                "and BACKBONE_TORCHSCRIPT need each other")
      .Require(!is_script || !is_pretrained, "model.pretrained_path", "has no meaning with a program, which has its own weights")
      .Require(!model.pretrained_bgr() || (is_pretrained && model.input_channels() == 3), "model.pretrained_bgr",
               "needs pretrained_path and three input_channels");
}

void CheckNormalization(const ModelConfig& model, ConflictCheck* check) {
  const int channels = model.input_channels();
  check
      ->Require(model.input_mean_size() == model.input_std_size(), "model.input_mean",
                "and input_std must have the same number of values")
      .Require(model.input_mean().empty() || model.input_mean_size() == channels, "model.input_mean",
               absl::StrCat("has ", model.input_mean_size(), " values for ", channels, " input_channels"));
}

void CheckModel(const ModelConfig& model, ConflictCheck* check) {
  check->Require(model.input_side() <= model.resize_side(), "model.input_side",
                 absl::StrCat("is ", model.input_side(), "; expected at most the resize_side of ", model.resize_side()));
  CheckConvnet(model, check);
  check->Require(model.backbone() != ModelConfig::BACKBONE_BN_INCEPTION || embedder::IsBnInceptionSide(model.input_side()),
                 "model.input_side",
                 absl::StrCat("is ", model.input_side(), ", which BN-Inception cannot halve evenly; take a multiple of 32"));
  CheckResnet(model, check);
  CheckSources(model, check);
  CheckNormalization(model, check);
}

void CheckAugmentation(const AugmentationConfig& augmentation, int input_side, ConflictCheck* check) {
  const bool has_crop = augmentation.min_crop_area() > 0;
  check
      ->Require(!has_crop || augmentation.max_crop_area() >= augmentation.min_crop_area(), "augmentation.max_crop_area",
                absl::StrCat("is ", augmentation.max_crop_area(), "; expected at least the min_crop_area of ",
                             augmentation.min_crop_area()))
      .Require(has_crop || augmentation.max_crop_area() == 0, "augmentation.max_crop_area", "needs min_crop_area")
      .Require(has_crop || augmentation.max_crop_aspect() == 0, "augmentation.max_crop_aspect", "needs min_crop_area")
      .Require(augmentation.max_shift_pixels() < input_side, "augmentation.max_shift_pixels",
               absl::StrCat("is ", augmentation.max_shift_pixels(), "; expected less than the input_side of ", input_side));
}

void CheckSampler(const TrainingConfig& config, ConflictCheck* check) {
  const int samples = config.sampler().samples_per_class();
  check->Require(samples == 0 || (samples >= 2 && samples <= config.batch_size() / 2 && config.batch_size() % samples == 0),
                 "sampler.samples_per_class",
                 absl::StrCat("is ", samples, "; expected 0, or a number from 2 on that divides the batch_size of ",
                              config.batch_size(), " into at least 2 classes"));
}

void CheckCachedFeatures(const TrainingConfig& config, ConflictCheck* check) {
  if (!config.model().cache_features()) {
    return;
  }
  const AugmentationConfig& augmentation = config.augmentation();
  constexpr char kSeenOnce[] =
      "is set, but with model.cache_features the backbone sees every image once, as it is; leave one of them out";
  check
      ->Require(config.model().freeze_backbone(), "model.cache_features",
                "needs model.freeze_backbone: the output of a backbone that learns changes with every step")
      .Require(config.warm_up_epochs() == 0, "warm_up_epochs",
               "has no meaning with model.cache_features: the backbone never learns")
      .Require(!augmentation.horizontal_flip(), "augmentation.horizontal_flip", kSeenOnce)
      .Require(augmentation.max_shift_pixels() == 0, "augmentation.max_shift_pixels", kSeenOnce)
      .Require(augmentation.min_crop_area() == 0, "augmentation.min_crop_area", kSeenOnce)
      .Require(augmentation.rotation_degrees() == 0, "augmentation.rotation_degrees", kSeenOnce)
      .Require(augmentation.shear_degrees() == 0, "augmentation.shear_degrees", kSeenOnce)
      .Require(augmentation.brightness() == 0, "augmentation.brightness", kSeenOnce)
      .Require(augmentation.contrast() == 0, "augmentation.contrast", kSeenOnce)
      .Require(augmentation.saturation() == 0, "augmentation.saturation", kSeenOnce);
}

}  // namespace

absl::Status CheckConflicts(const TrainingConfig& config) {
  ConflictCheck check;
  CheckData(config, &check);
  CheckLoss(config.loss(), &check);
  CheckProxies(config, &check);
  CheckOptimizer(config.optimizer(), &check);
  CheckModel(config.model(), &check);
  CheckAugmentation(config.augmentation(), config.model().input_side(), &check);
  CheckSampler(config, &check);
  CheckCachedFeatures(config, &check);
  CheckNoProxies(config, &check);
  return check.status();
}

}  // namespace semblance::config
