#include "config/training_config.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/text_proto.h"
#include "common/threads/thread_pool.h"
#include "config/config_override.h"
#include "config/training_conflicts.h"
#include "config/triplet_config.h"

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

// proto3 does not tell an unset number from 0, and for none of these 0 is of use.
template <typename Owner, typename Value>
void DefaultTo(Owner* owner, Value (Owner::*get)() const, void (Owner::*set)(Value), Value value) {
  if ((owner->*get)() == Value()) {
    (owner->*set)(value);
  }
}

void FillNormalization(ModelConfig* model) {
  const bool is_imagenet = IsResnet(*model) && !model->pretrained_path().empty() && model->input_channels() == 3;
  if (is_imagenet && model->input_mean().empty() && model->input_std().empty()) {
    for (const float mean : {0.485F, 0.456F, 0.406F}) {
      model->add_input_mean(mean);
    }
    for (const float std : {0.229F, 0.224F, 0.225F}) {
      model->add_input_std(std);
    }
  }
}

void FillModel(ModelConfig* model) {
  DefaultTo(model, &ModelConfig::backbone, &ModelConfig::set_backbone,
            model->torchscript_path().empty() ? ModelConfig::BACKBONE_SMALL_CONVNET : ModelConfig::BACKBONE_TORCHSCRIPT);
  DefaultTo(model, &ModelConfig::dimension, &ModelConfig::set_dimension, 64);
  const bool is_small = model->backbone() == ModelConfig::BACKBONE_SMALL_CONVNET;
  DefaultTo(model, &ModelConfig::input_side, &ModelConfig::set_input_side, is_small ? 64 : 224);
  DefaultTo(model, &ModelConfig::input_channels, &ModelConfig::set_input_channels, 3);
  DefaultTo(model, &ModelConfig::resize, &ModelConfig::set_resize, ModelConfig::RESIZE_SHORT_SIDE);
  DefaultTo(model, &ModelConfig::resize_side, &ModelConfig::set_resize_side, model->input_side());
  if (is_small && model->convnet_channels().empty()) {
    for (const int channels : {32, 64, 128}) {
      model->add_convnet_channels(channels);
    }
  }
  if (is_small) {
    DefaultTo(model, &ModelConfig::convnet_convolutions_per_stage, &ModelConfig::set_convnet_convolutions_per_stage, 2);
  }
  if (IsResnet(*model)) {
    DefaultTo(model, &ModelConfig::resnet_base_width, &ModelConfig::set_resnet_base_width, 64);
  }
  DefaultTo(model, &ModelConfig::pooling, &ModelConfig::set_pooling,
            is_small ? ModelConfig::POOLING_FLATTEN : ModelConfig::POOLING_AVERAGE);
  FillNormalization(model);
}

void FillOptimizer(OptimizerConfig* optimizer) {
  DefaultTo(optimizer, &OptimizerConfig::kind, &OptimizerConfig::set_kind, OptimizerConfig::KIND_ADAMW);
  DefaultTo(optimizer, &OptimizerConfig::learning_rate, &OptimizerConfig::set_learning_rate,
            optimizer->kind() == OptimizerConfig::KIND_SGD ? 0.01 : 0.001);
  DefaultTo(optimizer, &OptimizerConfig::proxy_learning_rate, &OptimizerConfig::set_proxy_learning_rate,
            100 * optimizer->learning_rate());
  DefaultTo(optimizer, &OptimizerConfig::schedule, &OptimizerConfig::set_schedule, OptimizerConfig::SCHEDULE_COSINE);
  if (!optimizer->has_weight_decay()) {
    optimizer->set_weight_decay(0.0001);
  }
  if (optimizer->schedule() == OptimizerConfig::SCHEDULE_EXPONENTIAL || optimizer->schedule() == OptimizerConfig::SCHEDULE_STEP) {
    const bool is_step = optimizer->schedule() == OptimizerConfig::SCHEDULE_STEP;
    DefaultTo(optimizer, &OptimizerConfig::decay_factor, &OptimizerConfig::set_decay_factor, is_step ? 0.1 : 0.94);
    DefaultTo(optimizer, &OptimizerConfig::decay_epochs, &OptimizerConfig::set_decay_epochs, is_step ? 10 : 1);
  }
}

void FillProxyAnchor(v1::ProxyAnchorConfig* loss) {
  DefaultTo(loss, &v1::ProxyAnchorConfig::scale, &v1::ProxyAnchorConfig::set_scale, 32.0);
  if (!loss->has_margin()) {
    loss->set_margin(0.1);
  }
}

void FillSoftTriple(v1::SoftTripleConfig* loss) {
  DefaultTo(loss, &v1::SoftTripleConfig::scale, &v1::SoftTripleConfig::set_scale, 20.0);
  DefaultTo(loss, &v1::SoftTripleConfig::temperature, &v1::SoftTripleConfig::set_temperature, 0.1);
  if (!loss->has_margin()) {
    loss->set_margin(0.01);
  }
  if (!loss->has_regularization()) {
    loss->set_regularization(0.2);
  }
}

void FillProxyNca(ProxyNcaConfig* loss) {
  DefaultTo(loss, &ProxyNcaConfig::denominator, &ProxyNcaConfig::set_denominator, ProxyNcaConfig::DENOMINATOR_ALL);
  DefaultTo(loss, &ProxyNcaConfig::embedding_scale, &ProxyNcaConfig::set_embedding_scale, 3.0);
  DefaultTo(loss, &ProxyNcaConfig::proxy_scale, &ProxyNcaConfig::set_proxy_scale, 3.0);
}

void FillLoss(LossConfig* loss) {
  switch (loss->kind_case()) {
    case LossConfig::KIND_NOT_SET:
    case LossConfig::kProxyNca:
      return FillProxyNca(loss->mutable_proxy_nca());
    case LossConfig::kProxyTriplet:
      return DefaultTo(loss->mutable_proxy_triplet(), &v1::ProxyTripletConfig::margin, &v1::ProxyTripletConfig::set_margin, 0.1);
    case LossConfig::kProxyAnchor:
      return FillProxyAnchor(loss->mutable_proxy_anchor());
    case LossConfig::kSoftTriple:
      return FillSoftTriple(loss->mutable_soft_triple());
    case LossConfig::kNormalizedSoftmax:
      return DefaultTo(loss->mutable_normalized_softmax(), &v1::NormalizedSoftmaxConfig::temperature,
                       &v1::NormalizedSoftmaxConfig::set_temperature, 0.05);
    case LossConfig::kTriplet:
      DefaultTo(loss->mutable_triplet(), &v1::TripletConfig::mining, &v1::TripletConfig::set_mining,
                v1::TripletConfig::MINING_SEMI_HARD);
      return DefaultTo(loss->mutable_triplet(), &v1::TripletConfig::margin, &v1::TripletConfig::set_margin, 0.2);
    case LossConfig::kNPairs:
      return DefaultTo(loss->mutable_n_pairs(), &v1::NPairsConfig::scale, &v1::NPairsConfig::set_scale, 16.0);
    case LossConfig::kLiftedStructure:
      return DefaultTo(loss->mutable_lifted_structure(), &v1::LiftedStructureConfig::margin, &v1::LiftedStructureConfig::set_margin,
                       1.0);
  }
}

void FillProxies(const LossConfig& loss, ProxyConfig* proxies) {
  if (!UsesProxies(loss)) {
    return;
  }
  DefaultTo(proxies, &ProxyConfig::assignment, &ProxyConfig::set_assignment, ProxyConfig::ASSIGNMENT_STATIC);
  if (proxies->count() == 0) {
    DefaultTo(proxies, &ProxyConfig::per_class, &ProxyConfig::set_per_class, loss.has_soft_triple() ? 10.0 : 1.0);
  }
  DefaultTo(proxies, &ProxyConfig::initialization, &ProxyConfig::set_initialization, ProxyConfig::INITIALIZATION_CLASS_MEANS);
}

void FillData(DataConfig* data) {
  DefaultTo(data, &DataConfig::hold_out, &DataConfig::set_hold_out, DataConfig::HOLD_OUT_ITEMS);
  DefaultTo(data, &DataConfig::hold_out_fraction, &DataConfig::set_hold_out_fraction, 0.2);
  if (!data->has_max_cached_bytes()) {
    data->set_max_cached_bytes(int64_t{2} << 30);
  }
}

void FillAugmentation(const ModelConfig& model, AugmentationConfig* augmentation) {
  if (!augmentation->has_horizontal_flip()) {
    augmentation->set_horizontal_flip(!model.cache_features());
  }
  const bool has_crop = augmentation->min_crop_area() != 0;
  if (!augmentation->has_max_shift_pixels()) {
    augmentation->set_max_shift_pixels(has_crop || model.cache_features() ? 0 : model.input_side() / 16);
  }
  if (has_crop) {
    DefaultTo(augmentation, &AugmentationConfig::max_crop_area, &AugmentationConfig::set_max_crop_area, 1.0);
    DefaultTo(augmentation, &AugmentationConfig::max_crop_aspect, &AugmentationConfig::set_max_crop_aspect, 4.0 / 3);
  }
}

}  // namespace

bool IsResnet(const ModelConfig& model) {
  return model.backbone() == ModelConfig::BACKBONE_RESNET18 || model.backbone() == ModelConfig::BACKBONE_RESNET50;
}

bool UsesProxies(const LossConfig& loss) {
  return !loss.has_triplet() && !loss.has_n_pairs() && !loss.has_lifted_structure();
}

TrainingConfig WithDefaults(TrainingConfig config) {
  FillTripletDefaults(&config);
  FillData(config.mutable_data());
  FillModel(config.mutable_model());
  FillLoss(config.mutable_loss());
  FillProxies(config.loss(), config.mutable_proxies());
  FillOptimizer(config.mutable_optimizer());
  DefaultTo(&config, &TrainingConfig::precision, &TrainingConfig::set_precision, TrainingConfig::PRECISION_AUTO);
  DefaultTo(config.mutable_checkpoint(), &v1::CheckpointConfig::keep, &v1::CheckpointConfig::set_keep, 2);
  FillAugmentation(config.model(), config.mutable_augmentation());
  DefaultTo(&config, &TrainingConfig::batch_size, &TrainingConfig::set_batch_size, 128);
  DefaultTo(&config, &TrainingConfig::loader_threads, &TrainingConfig::set_loader_threads, CoreCount());
  DefaultTo(&config, &TrainingConfig::compute_threads, &TrainingConfig::set_compute_threads, CoreCount());
  if (!config.has_epochs()) {
    config.set_epochs(10);
  }
  if (!config.has_seed()) {
    config.set_seed(1);
  }
  if (config.device().empty()) {
    config.set_device("auto");
  }
  if (!config.has_evaluate_every_epochs()) {
    config.set_evaluate_every_epochs(1);
  }
  return config;
}

absl::StatusOr<TrainingConfig> LoadTrainingConfig(const std::string& file, const std::vector<std::string>& overrides) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  TrainingConfig config;
  SEMBLANCE_RETURN_IF_ERROR(ParseTextProto(text, file, &config));
  for (const std::string& assignment : overrides) {
    SEMBLANCE_RETURN_IF_ERROR(ApplyOverride(assignment, &config));
  }
  config = WithDefaults(std::move(config));
  SEMBLANCE_RETURN_IF_ERROR(ValidateTrainingConfig(config));
  return config;
}

storage::v1::Architecture ArchitectureOf(const ModelConfig& config) {
  storage::v1::Architecture architecture;
  switch (config.backbone()) {
    case ModelConfig::BACKBONE_RESNET18:
    case ModelConfig::BACKBONE_RESNET50:
      architecture.mutable_resnet()->set_depth(config.backbone() == ModelConfig::BACKBONE_RESNET18 ? 18 : 50);
      architecture.mutable_resnet()->set_base_width(config.resnet_base_width());
      architecture.mutable_resnet()->set_small_image_stem(config.resnet_small_image_stem());
      break;
    case ModelConfig::BACKBONE_BN_INCEPTION:
      architecture.mutable_bn_inception();
      break;
    case ModelConfig::BACKBONE_TORCHSCRIPT:
      architecture.mutable_torch_script();
      break;
    default:
      *architecture.mutable_small_convnet()->mutable_channels() = config.convnet_channels();
      architecture.mutable_small_convnet()->set_convolutions_per_stage(config.convnet_convolutions_per_stage());
  }
  // The two enums name the same values.
  architecture.set_pooling(static_cast<storage::v1::Architecture::Pooling>(config.pooling()));
  architecture.set_head_layer_norm(config.head_layer_norm());
  return architecture;
}

storage::v1::Preprocessing PreprocessingOf(const ModelConfig& config) {
  storage::v1::Preprocessing preprocessing;
  // The two enums name the same values.
  preprocessing.set_resize(static_cast<storage::v1::Preprocessing::Resize>(config.resize()));
  preprocessing.set_resize_side(config.resize_side());
  preprocessing.set_crop_side(config.input_side());
  preprocessing.set_channels(config.input_channels());
  for (int c = 0; c < config.input_channels(); ++c) {
    preprocessing.add_mean(config.input_mean().empty() ? 0 : config.input_mean(c));
    preprocessing.add_std(config.input_std().empty() ? 1 : config.input_std(c));
  }
  return preprocessing;
}

}  // namespace semblance::config
