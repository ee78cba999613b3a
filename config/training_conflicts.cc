#include "config/training_conflicts.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "config/training_config.h"

namespace semblance::config {
namespace {

struct Setting {
  absl::string_view field;
  bool is_set = false;
};

absl::Status RefuseAny(absl::Span<const Setting> settings, absl::string_view message) {
  for (const Setting& setting : settings) {
    if (setting.is_set) {
      return InvalidField(setting.field, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(setting.field, " ", message));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCachedFeatures(const v1::TrainingConfig& config) {
  if (!config.model().cache_features()) {
    return absl::OkStatus();
  }
  if (!config.model().freeze_backbone()) {
    return InvalidField(
        "model.cache_features", v1::ERROR_REASON_CONFIG_INVALID,
        "model.cache_features needs model.freeze_backbone: what a backbone that learns makes of an image changes with "
        "every step");
  }
  SEMBLANCE_RETURN_IF_ERROR(RefuseAny({{"warm_up_epochs", config.warm_up_epochs() != 0}},
                                      "has no meaning with model.cache_features: the backbone never learns"));
  const v1::AugmentationConfig& augmentation = config.augmentation();
  return RefuseAny({{"augmentation.horizontal_flip", augmentation.horizontal_flip()},
                    {"augmentation.max_shift_pixels", augmentation.max_shift_pixels() != 0},
                    {"augmentation.min_crop_area", augmentation.min_crop_area() != 0},
                    {"augmentation.rotation_degrees", augmentation.rotation_degrees() != 0},
                    {"augmentation.shear_degrees", augmentation.shear_degrees() != 0},
                    {"augmentation.brightness", augmentation.brightness() != 0},
                    {"augmentation.contrast", augmentation.contrast() != 0},
                    {"augmentation.saturation", augmentation.saturation() != 0}},
                   "is set, but with model.cache_features the backbone sees every image once, as it is; leave one of them out");
}

absl::Status CheckProxiesAreUsed(const v1::TrainingConfig& config) {
  if (UsesProxies(config.loss())) {
    return absl::OkStatus();
  }
  const v1::ProxyConfig& proxies = config.proxies();
  return RefuseAny({{"proxies.assignment", proxies.assignment() != v1::ProxyConfig::ASSIGNMENT_UNSPECIFIED},
                    {"proxies.per_class", proxies.per_class() != 0},
                    {"proxies.count", proxies.count() != 0},
                    {"proxies.initialization", proxies.initialization() != v1::ProxyConfig::INITIALIZATION_UNSPECIFIED},
                    {"proxies.sampled_negatives", proxies.sampled_negatives() != 0}},
                   "is set, but the loss compares examples with one another and has no proxies");
}

}  // namespace

absl::Status CheckConflicts(const v1::TrainingConfig& config) {
  SEMBLANCE_RETURN_IF_ERROR(CheckCachedFeatures(config));
  return CheckProxiesAreUsed(config);
}

}  // namespace semblance::config
