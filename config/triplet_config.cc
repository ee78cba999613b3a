#include "config/triplet_config.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"
#include "config/loss_traits.h"
#include "dataset/triplet_manifest.h"

namespace semblance::config {
namespace {

using v1::ProxyConfig;
using v1::TripletConfig;

constexpr int kDefaultCount = 128;

absl::Status Refuse(const std::string& field, absl::string_view message) {
  return InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID,
                      absl::StrCat(field, " ", message, "; data.path is a manifest of triplets, without labels"));
}

absl::Status CheckProxies(const ProxyConfig& proxies) {
  if (proxies.assignment() != ProxyConfig::ASSIGNMENT_DYNAMIC) {
    return Refuse("proxies.assignment", "is ASSIGNMENT_STATIC, by class; leave it out, or set ASSIGNMENT_DYNAMIC");
  }
  if (proxies.per_class() != 0) {
    return Refuse("proxies.per_class", "counts proxies by class; set proxies.count");
  }
  if (proxies.initialization() == ProxyConfig::INITIALIZATION_CLASS_MEANS) {
    return Refuse("proxies.initialization",
                  "is INITIALIZATION_CLASS_MEANS; leave it out, or set INITIALIZATION_EXAMPLES or INITIALIZATION_RANDOM");
  }
  return absl::OkStatus();
}

}  // namespace

void FillTripletDefaults(v1::TrainingConfig* config) {
  if (!dataset::IsTripletManifest(config->data().path())) {
    return;
  }
  if (config->loss().has_triplet() && config->loss().triplet().mining() == TripletConfig::MINING_UNSPECIFIED) {
    config->mutable_loss()->mutable_triplet()->set_mining(TripletConfig::MINING_ALL);
  }
  if (!UsesProxies(config->loss())) {
    return;
  }
  ProxyConfig* const proxies = config->mutable_proxies();
  if (proxies->assignment() == ProxyConfig::ASSIGNMENT_UNSPECIFIED) {
    proxies->set_assignment(ProxyConfig::ASSIGNMENT_DYNAMIC);
  }
  if (proxies->count() == 0) {
    proxies->set_count(kDefaultCount);
  }
  if (proxies->initialization() == ProxyConfig::INITIALIZATION_UNSPECIFIED) {
    proxies->set_initialization(ProxyConfig::INITIALIZATION_EXAMPLES);
  }
}

absl::Status CheckTripletConfig(const v1::TrainingConfig& config) {
  if (!dataset::IsTripletManifest(config.data().path())) {
    return absl::OkStatus();
  }
  if (config.data().hold_out() != v1::DataConfig::HOLD_OUT_ITEMS && config.data().hold_out() != v1::DataConfig::HOLD_OUT_NONE) {
    return Refuse("data.hold_out", "holds out classes; expected HOLD_OUT_ITEMS, which holds out anchors, or HOLD_OUT_NONE");
  }
  if (config.sampler().samples_per_class() != 0) {
    return Refuse("sampler.samples_per_class", "balances batches over classes; leave it out");
  }
  if (!TakesTriplets(config.loss())) {
    return Refuse(PathOfLoss(config.loss()),
                  absl::StrCat("compares classes; expected one of ", absl::StrJoin(PathsOfLossesOnTriplets(), ", ")));
  }
  if (config.loss().has_triplet() && config.loss().triplet().mining() != TripletConfig::MINING_ALL) {
    return Refuse("loss.triplet.mining", "looks for triplets by class; leave it out, or set MINING_ALL");
  }
  if (config.loss().label_smoothing() != 0) {
    return Refuse("loss.label_smoothing", "spreads over proxies of which a triplet says nothing; leave it out");
  }
  return UsesProxies(config.loss()) ? CheckProxies(config.proxies()) : absl::OkStatus();
}

}  // namespace semblance::config
