#include "config/training_config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/text_proto.h"
#include "config/config_override.h"
#include "config/field_rules.h"
#include "config/training_conflicts.h"
#include "config/triplet_config.h"
#include "config/unknown_fields.h"
#include "embedder/bundle/manifest.h"

namespace semblance::config {

using v1::ModelConfig;
using v1::TrainingConfig;

bool IsResnet(const ModelConfig& model) {
  return model.backbone() == ModelConfig::BACKBONE_RESNET18 || model.backbone() == ModelConfig::BACKBONE_RESNET50;
}

absl::Status ValidateTrainingConfig(const TrainingConfig& config) {
  SEMBLANCE_RETURN_IF_ERROR(CheckNoUnknownFields(config));
  SEMBLANCE_RETURN_IF_ERROR(CheckFields(config));
  if (!embedder::IsModelName(config.model_name())) {
    return InvalidField("model_name", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat("model_name is \"", config.model_name(),
                                     "\"; expected 1 to 64 of a-z 0-9 . _ -, the first a letter or digit"));
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckTripletConfig(config));
  SEMBLANCE_RETURN_IF_ERROR(CheckConflicts(config));
  return WithFieldPrefix(
      embedder::ValidateNetwork(ArchitectureOf(config.model()), PreprocessingOf(config.model()), config.model().dimension()),
      "model");
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
