// WithDefaults of training_config.h. The rules of the fields give most defaults; the others are computed here, after them.
#include <utility>

#include "common/threads/thread_pool.h"
#include "config/field_rules.h"
#include "config/loss_traits.h"
#include "config/training_config.h"
#include "config/triplet_config.h"

namespace semblance::config {
namespace {

using v1::AugmentationConfig;
using v1::LossConfig;
using v1::ModelConfig;
using v1::ProxyConfig;
using v1::TrainingConfig;

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
  if (model->resize_side() == 0) {
    model->set_resize_side(model->input_side());
  }
  FillNormalization(model);
}

void FillLoss(LossConfig* loss) {
  if (loss->has_triplet() && loss->triplet().mining() == v1::TripletConfig::MINING_UNSPECIFIED) {
    loss->mutable_triplet()->set_mining(v1::TripletConfig::MINING_SEMI_HARD);
  }
}

void FillProxies(const LossConfig& loss, ProxyConfig* proxies) {
  if (!UsesProxies(loss)) {
    return;
  }
  if (proxies->assignment() == ProxyConfig::ASSIGNMENT_UNSPECIFIED) {
    proxies->set_assignment(ProxyConfig::ASSIGNMENT_STATIC);
  }
  if (proxies->count() == 0 && proxies->per_class() == 0) {
    proxies->set_per_class(loss.has_soft_triple() ? 10 : 1);
  }
  if (proxies->initialization() == ProxyConfig::INITIALIZATION_UNSPECIFIED) {
    proxies->set_initialization(ProxyConfig::INITIALIZATION_CLASS_MEANS);
  }
}

void FillAugmentation(const ModelConfig& model, AugmentationConfig* augmentation) {
  if (!augmentation->has_max_shift_pixels()) {
    const bool stays = augmentation->min_crop_area() != 0 || model.cache_features();
    augmentation->set_max_shift_pixels(stays ? 0 : model.input_side() / 16);
  }
}

}  // namespace

TrainingConfig WithDefaults(TrainingConfig config) {
  FillTripletDefaults(&config);
  FillDefaults(&config);
  FillModel(config.mutable_model());
  FillLoss(config.mutable_loss());
  FillProxies(config.loss(), config.mutable_proxies());
  FillAugmentation(config.model(), config.mutable_augmentation());
  if (config.optimizer().proxy_learning_rate() == 0) {
    config.mutable_optimizer()->set_proxy_learning_rate(100 * config.optimizer().learning_rate());
  }
  if (config.loader_threads() == 0) {
    config.set_loader_threads(CoreCount());
  }
  if (config.compute_threads() == 0) {
    config.set_compute_threads(CoreCount());
  }
  return config;
}

}  // namespace semblance::config
