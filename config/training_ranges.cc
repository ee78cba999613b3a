// Which values a config may have: ValidateTrainingConfig of config.h.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "config/training_config.h"
#include "config/training_conflicts.h"
#include "config/triplet_config.h"
#include "embedder/bundle/manifest.h"

namespace semblance::config {
namespace {

using v1::AugmentationConfig;
using v1::DataConfig;
using v1::LossConfig;
using v1::ModelConfig;
using v1::OptimizerConfig;
using v1::ProxyConfig;
using v1::ProxyNcaConfig;
using v1::TrainingConfig;

// Checks one value after another and keeps the first complaint.
class RangeCheck {
 public:
  template <typename Value>
  RangeCheck& Within(absl::string_view field, Value value, Value low, Value high) {
    return Require(value >= low && value <= high, field, absl::StrCat("is ", value, "; expected ", low, " to ", high));
  }

  RangeCheck& Positive(absl::string_view field, double value) {
    return Require(std::isfinite(value) && value > 0, field, absl::StrCat("is ", value, "; expected a number above 0"));
  }

  RangeCheck& Require(bool holds, absl::string_view field, absl::string_view message) {
    if (status_.ok() && !holds) {
      status_ = InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(field, " ", message));
    }
    return *this;
  }

  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

void CheckEnums(const TrainingConfig& config, RangeCheck* check) {
  check->Require(DataConfig::HoldOut_IsValid(config.data().hold_out()), "data.hold_out", "is not known")
      .Require(ModelConfig::Backbone_IsValid(config.model().backbone()), "model.backbone", "is not known")
      .Require(ModelConfig::Resize_IsValid(config.model().resize()), "model.resize", "is not known")
      .Require(ModelConfig::Pooling_IsValid(config.model().pooling()), "model.pooling", "is not known")
      .Require(ProxyNcaConfig::Denominator_IsValid(config.loss().proxy_nca().denominator()), "loss.proxy_nca.denominator",
               "is not known")
      .Require(v1::TripletConfig::Mining_IsValid(config.loss().triplet().mining()), "loss.triplet.mining", "is not known")
      .Require(ProxyConfig::Assignment_IsValid(config.proxies().assignment()), "proxies.assignment", "is not known")
      .Require(ProxyConfig::Initialization_IsValid(config.proxies().initialization()), "proxies.initialization", "is not known")
      .Require(TrainingConfig::Precision_IsValid(config.precision()), "precision", "is not known")
      .Require(OptimizerConfig::Kind_IsValid(config.optimizer().kind()), "optimizer.kind", "is not known")
      .Require(OptimizerConfig::Schedule_IsValid(config.optimizer().schedule()), "optimizer.schedule", "is not known");
}

bool TakesLabelSmoothing(const LossConfig& loss) {
  return loss.has_normalized_softmax() || loss.has_soft_triple() ||
         (loss.has_proxy_nca() && loss.proxy_nca().denominator() == ProxyNcaConfig::DENOMINATOR_ALL);
}

void CheckLoss(const LossConfig& loss, RangeCheck* check) {
  constexpr double kTiny = 1e-6;
  if (loss.has_proxy_nca()) {
    check->Positive("loss.proxy_nca.embedding_scale", loss.proxy_nca().embedding_scale())
        .Positive("loss.proxy_nca.proxy_scale", loss.proxy_nca().proxy_scale());
  } else if (loss.has_proxy_triplet()) {
    check->Within("loss.proxy_triplet.margin", loss.proxy_triplet().margin(), kTiny, 4.0);
  } else if (loss.has_proxy_anchor()) {
    check->Positive("loss.proxy_anchor.scale", loss.proxy_anchor().scale())
        .Within("loss.proxy_anchor.margin", loss.proxy_anchor().margin(), 0.0, 1.0);
  } else if (loss.has_soft_triple()) {
    check->Positive("loss.soft_triple.scale", loss.soft_triple().scale())
        .Positive("loss.soft_triple.temperature", loss.soft_triple().temperature())
        .Within("loss.soft_triple.margin", loss.soft_triple().margin(), 0.0, 1.0)
        .Within("loss.soft_triple.regularization", loss.soft_triple().regularization(), 0.0, 1e6);
  } else if (loss.has_normalized_softmax()) {
    check->Positive("loss.normalized_softmax.temperature", loss.normalized_softmax().temperature());
  } else if (loss.has_triplet()) {
    check->Within("loss.triplet.margin", loss.triplet().margin(), kTiny, 4.0);
  } else if (loss.has_n_pairs()) {
    check->Positive("loss.n_pairs.scale", loss.n_pairs().scale());
  } else if (loss.has_lifted_structure()) {
    check->Within("loss.lifted_structure.margin", loss.lifted_structure().margin(), kTiny, 2.0);
  }
  check->Within("loss.label_smoothing", loss.label_smoothing(), 0.0, 0.999)
      .Require(loss.label_smoothing() == 0 || TakesLabelSmoothing(loss), "loss.label_smoothing",
               "is defined for softmax losses with the positive in the denominator only: proxy_nca with DENOMINATOR_ALL, "
               "normalized_softmax and soft_triple");
}

void CheckProxies(const TrainingConfig& config, RangeCheck* check) {
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
      .Require(proxies.count() == 0 || (proxies.count() >= 2 && proxies.count() <= 1 << 24), "proxies.count",
               absl::StrCat("is ", proxies.count(), "; expected 2 to ", 1 << 24))
      .Require(is_dynamic || proxies.initialization() != ProxyConfig::INITIALIZATION_EXAMPLES, "proxies.initialization",
               "is INITIALIZATION_EXAMPLES, which needs ASSIGNMENT_DYNAMIC")
      .Require(proxies.count() > 0 || (proxies.per_class() > 0 && proxies.per_class() <= 1000 &&
                                       (proxies.per_class() < 1 || proxies.per_class() == std::floor(proxies.per_class()))),
               "proxies.per_class",
               absl::StrCat("is ", proxies.per_class(), "; expected a whole number of at most 1,000, or a share between 0 and 1"))
      .Require(!config.loss().has_soft_triple() || (proxies.per_class() >= 1 && !is_dynamic), "proxies.per_class",
               "is below 1, or proxies.assignment dynamic; loss.soft_triple needs centres of every class")
      .Within("proxies.sampled_negatives", proxies.sampled_negatives(), 0, 1 << 24)
      .Require(proxies.sampled_negatives() == 0 || (!config.loss().has_soft_triple() && proxies.per_class() <= 1 && !is_dynamic),
               "proxies.sampled_negatives", "needs at most one proxy for each class, assigned statically");
}

void CheckOptimizer(const OptimizerConfig& optimizer, RangeCheck* check) {
  const bool decays =
      optimizer.schedule() == OptimizerConfig::SCHEDULE_EXPONENTIAL || optimizer.schedule() == OptimizerConfig::SCHEDULE_STEP;
  check->Positive("optimizer.learning_rate", optimizer.learning_rate())
      .Positive("optimizer.proxy_learning_rate", optimizer.proxy_learning_rate())
      .Within("optimizer.weight_decay", optimizer.weight_decay(), 0.0, 1.0)
      .Require(decays || (optimizer.decay_factor() == 0 && optimizer.decay_epochs() == 0), "optimizer.decay_factor",
               "and decay_epochs have a meaning with SCHEDULE_EXPONENTIAL and SCHEDULE_STEP only")
      .Require(!decays || (optimizer.decay_factor() > 0 && optimizer.decay_factor() <= 1), "optimizer.decay_factor",
               absl::StrCat("is ", optimizer.decay_factor(), "; expected a number above 0, at most 1"))
      .Require(!decays || optimizer.decay_epochs() > 0, "optimizer.decay_epochs", "expected a number above 0");
}

void CheckConvnet(const ModelConfig& model, RangeCheck* check) {
  for (const int channels : model.convnet_channels()) {
    check->Within("model.convnet_channels", channels, 1, 4096);
  }
  const int stages = model.convnet_channels_size();
  check->Within("model.convnet_convolutions_per_stage", model.convnet_convolutions_per_stage(), 1, 4)
      .Require(stages < 31 && model.input_side() >> stages >= 1, "model.convnet_channels",
               absl::StrCat("names ", stages, " stages; each halves the side, which is too many for an input of ",
                            model.input_side(), " pixels"));
}

void CheckResnet(const ModelConfig& model, RangeCheck* check) {
  if (IsResnet(model)) {
    check->Within("model.resnet_base_width", model.resnet_base_width(), 8, 256);
  } else {
    check->Require(model.resnet_base_width() == 0 && !model.resnet_small_image_stem(), "model.resnet_base_width",
                   "and resnet_small_image_stem have a meaning with ResNets only");
  }
  const bool can_flatten = !IsResnet(model) && model.backbone() != ModelConfig::BACKBONE_BN_INCEPTION;
  check->Require(can_flatten || model.pooling() != ModelConfig::POOLING_FLATTEN, "model.pooling",
                 "is POOLING_FLATTEN, which is for the small convnet and TorchScript only");
}

// Where weights come from.
void CheckSources(const ModelConfig& model, RangeCheck* check) {
  const bool is_script = model.backbone() == ModelConfig::BACKBONE_TORCHSCRIPT;
  const bool is_pretrained = !model.pretrained_path().empty();
  check
      ->Require(is_script == !model.torchscript_path().empty(), "model.torchscript_path",
                "and BACKBONE_TORCHSCRIPT need each other")
      .Require(!is_script || !is_pretrained, "model.pretrained_path", "has no meaning with a program, which has its own weights")
      .Require(!model.pretrained_bgr() || (is_pretrained && model.input_channels() == 3), "model.pretrained_bgr",
               "needs pretrained_path and three input_channels");
}

void CheckNormalization(const ModelConfig& model, RangeCheck* check) {
  const int channels = model.input_channels();
  check
      ->Require(model.input_mean_size() == model.input_std_size(), "model.input_mean",
                "and input_std must have the same number of values")
      .Require(model.input_mean().empty() || model.input_mean_size() == channels, "model.input_mean",
               absl::StrCat("has ", model.input_mean_size(), " values for ", channels, " input_channels"));
  for (const float mean : model.input_mean()) {
    check->Require(std::isfinite(mean), "model.input_mean", absl::StrCat("has the value ", mean));
  }
  for (const float std : model.input_std()) {
    check->Positive("model.input_std", std);
  }
}

void CheckModel(const ModelConfig& model, RangeCheck* check) {
  check->Within("model.dimension", model.dimension(), 1, embedder::kMaxDimension)
      .Within("model.resize_side", model.resize_side(), 8, 1024)
      .Within("model.input_side", model.input_side(), 1, model.resize_side())
      .Require(model.input_channels() == 1 || model.input_channels() == 3, "model.input_channels",
               absl::StrCat("is ", model.input_channels(), "; expected 1 or 3"));
  if (model.backbone() == ModelConfig::BACKBONE_SMALL_CONVNET) {
    CheckConvnet(model, check);
  } else {
    check->Require(model.convnet_channels().empty() && model.convnet_convolutions_per_stage() == 0, "model.convnet_channels",
                   "and convnet_convolutions_per_stage have a meaning with BACKBONE_SMALL_CONVNET only");
  }
  check->Require(model.backbone() != ModelConfig::BACKBONE_BN_INCEPTION || embedder::IsBnInceptionSide(model.input_side()),
                 "model.input_side",
                 absl::StrCat("is ", model.input_side(), ", which BN-Inception cannot halve evenly; take a multiple of 32"));
  CheckResnet(model, check);
  CheckSources(model, check);
  CheckNormalization(model, check);
}

void CheckCrop(const AugmentationConfig& augmentation, RangeCheck* check) {
  const double min_area = augmentation.min_crop_area();
  check->Within("augmentation.min_crop_area", min_area, 0.0, 1.0);
  if (min_area > 0) {
    check->Within("augmentation.max_crop_area", augmentation.max_crop_area(), min_area, 1.0)
        .Within("augmentation.max_crop_aspect", augmentation.max_crop_aspect(), 1.0, 10.0);
  } else {
    check->Require(augmentation.max_crop_area() == 0, "augmentation.max_crop_area", "needs min_crop_area")
        .Require(augmentation.max_crop_aspect() == 0, "augmentation.max_crop_aspect", "needs min_crop_area");
  }
}

void CheckAugmentation(const AugmentationConfig& augmentation, int input_side, RangeCheck* check) {
  CheckCrop(augmentation, check);
  check->Within("augmentation.max_shift_pixels", augmentation.max_shift_pixels(), 0, input_side - 1)
      .Within("augmentation.rotation_degrees", augmentation.rotation_degrees(), 0.0, 180.0)
      .Within("augmentation.shear_degrees", augmentation.shear_degrees(), 0.0, 45.0)
      .Within("augmentation.brightness", augmentation.brightness(), 0.0, 1.0)
      .Within("augmentation.contrast", augmentation.contrast(), 0.0, 1.0)
      .Within("augmentation.saturation", augmentation.saturation(), 0.0, 1.0);
}

void CheckSampler(const TrainingConfig& config, RangeCheck* check) {
  const int samples = config.sampler().samples_per_class();
  check->Require(samples == 0 || (samples >= 2 && samples <= config.batch_size() / 2 && config.batch_size() % samples == 0),
                 "sampler.samples_per_class",
                 absl::StrCat("is ", samples, "; expected 0, or a number from 2 on that divides the batch_size of ",
                              config.batch_size(), " into at least 2 classes"));
}

}  // namespace

absl::Status ValidateTrainingConfig(const TrainingConfig& config) {
  SEMBLANCE_RETURN_IF_ERROR(CheckNoUnknownFields(config));
  RangeCheck check;
  check
      .Require(embedder::IsModelName(config.model_name()), "model_name",
               absl::StrCat("is \"", config.model_name(), "\"; expected 1 to 64 of a-z 0-9 . _ -, the first a letter or digit"))
      .Require(!config.output_dir().empty(), "output_dir", "is missing: where to write the bundle")
      .Require(!config.data().path().empty() || !config.data().catalog_path().empty(), "data.path",
               "is missing: where the images are")
      .Require(config.data().path().empty() || config.data().catalog_path().empty(), "data.catalog_path",
               "does not go with data.path: name one of them")
      .Require(config.data().hold_out_fraction() > 0 && config.data().hold_out_fraction() < 1, "data.hold_out_fraction",
               absl::StrCat("is ", config.data().hold_out_fraction(), "; expected a number between 0 and 1"))
      .Within<int64_t>("data.max_cached_bytes", config.data().max_cached_bytes(), 0, int64_t{1} << 50)
      .Within("epochs", config.epochs(), 0, 1'000'000)
      .Within("batch_size", config.batch_size(), 4, 65'536)
      .Within("loader_threads", config.loader_threads(), 1, 1024)
      .Within("compute_threads", config.compute_threads(), 1, 1024)
      .Within("evaluate_every_epochs", config.evaluate_every_epochs(), 0, 1'000'000)
      .Within("whitening", config.whitening(), 0.0, 0.5)
      .Within("validation.fraction", config.validation().fraction(), 0.0, 0.9)
      .Within("validation.patience", config.validation().patience(), 0, 1'000'000)
      .Require(config.validation().patience() == 0 || config.validation().fraction() > 0, "validation.patience",
               "needs validation.fraction: there is nothing to measure")
      .Within("checkpoint.every_steps", config.checkpoint().every_steps(), 0, 1'000'000'000)
      .Within("checkpoint.keep", config.checkpoint().keep(), 1, 1000)
      .Within("warm_up_epochs", config.warm_up_epochs(), 0, 1'000'000);
  CheckEnums(config, &check);
  SEMBLANCE_RETURN_IF_ERROR(check.status());
  SEMBLANCE_RETURN_IF_ERROR(CheckTripletConfig(config));
  CheckLoss(config.loss(), &check);
  CheckProxies(config, &check);
  CheckOptimizer(config.optimizer(), &check);
  CheckModel(config.model(), &check);
  CheckAugmentation(config.augmentation(), config.model().input_side(), &check);
  CheckSampler(config, &check);
  SEMBLANCE_RETURN_IF_ERROR(check.status());
  SEMBLANCE_RETURN_IF_ERROR(CheckConflicts(config));
  return WithFieldPrefix(
      embedder::ValidateNetwork(ArchitectureOf(config.model()), PreprocessingOf(config.model()), config.model().dimension()),
      "model");
}

}  // namespace semblance::config
