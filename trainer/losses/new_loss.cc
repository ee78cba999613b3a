#include "trainer/losses/new_loss.h"

#include <memory>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "trainer/losses/given_triplets.h"
#include "trainer/losses/lifted_structure.h"
#include "trainer/losses/n_pairs.h"
#include "trainer/losses/normalized_softmax.h"
#include "trainer/losses/proxy_anchor.h"
#include "trainer/losses/proxy_nca.h"
#include "trainer/losses/proxy_triplet.h"
#include "trainer/losses/soft_triple.h"
#include "trainer/losses/triplet.h"
#include "trainer/miners/triplet_miners.h"

namespace semblance::trainer {
namespace {

absl::Status Refuse(const std::string& field, absl::string_view message) {
  return InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(field, " ", message));
}

absl::StatusOr<Loss> NewProxyNca(const v1::LossConfig& config) {
  ProxyNcaOptions options{};
  switch (config.proxy_nca().denominator()) {
    case v1::ProxyNcaConfig::DENOMINATOR_NEGATIVES:
      options.denominator = ProxyNcaOptions::Denominator::kNegatives;
      break;
    case v1::ProxyNcaConfig::DENOMINATOR_ALL:
      options.denominator = ProxyNcaOptions::Denominator::kAll;
      break;
    default:
      return Refuse("loss.proxy_nca.denominator", "is not known");
  }
  options.embedding_scale = config.proxy_nca().embedding_scale();
  options.proxy_scale = config.proxy_nca().proxy_scale();
  options.label_smoothing = config.label_smoothing();
  return std::make_unique<ProxyNcaLoss>(options);
}

Loss NewSoftTriple(const v1::LossConfig& config) {
  SoftTripleOptions options{};
  options.scale = config.soft_triple().scale();
  options.temperature = config.soft_triple().temperature();
  options.margin = config.soft_triple().margin();
  options.regularization = config.soft_triple().regularization();
  options.label_smoothing = config.label_smoothing();
  return std::make_unique<SoftTripleLoss>(options);
}

absl::StatusOr<TripletMiner> MinerOf(const v1::TripletConfig& config) {
  switch (config.mining()) {
    case v1::TripletConfig::MINING_SEMI_HARD:
      return SemiHardTriplets;
    case v1::TripletConfig::MINING_HARD:
      return HardTriplets;
    case v1::TripletConfig::MINING_ALL:
      return ViolatingTriplets;
    default:
      return Refuse("loss.triplet.mining", "is not known");
  }
}

absl::StatusOr<Loss> NewTriplet(const v1::TripletConfig& config, Supervision supervision) {
  if (supervision == Supervision::kTriplets) {
    return std::make_unique<GivenTripletLoss>(config.margin());
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const TripletMiner miner, MinerOf(config));
  return std::make_unique<TripletLoss>(miner, config.margin());
}

// One case for each loss, and no `default`: the compiler then reports a loss of the config that has no case here.
absl::StatusOr<Loss> NewLossOfKind(const v1::LossConfig& config, Supervision supervision) {
  switch (config.kind_case()) {
    case v1::LossConfig::kProxyNca:
      return NewProxyNca(config);
    case v1::LossConfig::kProxyTriplet:
      return std::make_unique<ProxyTripletLoss>(config.proxy_triplet().margin());
    case v1::LossConfig::kProxyAnchor:
      return std::make_unique<ProxyAnchorLoss>(config.proxy_anchor().scale(), config.proxy_anchor().margin());
    case v1::LossConfig::kSoftTriple:
      return NewSoftTriple(config);
    case v1::LossConfig::kNormalizedSoftmax:
      return std::make_unique<NormalizedSoftmaxLoss>(config.normalized_softmax().temperature(), config.label_smoothing());
    case v1::LossConfig::kTriplet:
      return NewTriplet(config.triplet(), supervision);
    case v1::LossConfig::kNPairs:
      return std::make_unique<NPairsLoss>(config.n_pairs().scale());
    case v1::LossConfig::kLiftedStructure:
      return std::make_unique<LiftedStructureLoss>(config.lifted_structure().margin());
    case v1::LossConfig::KIND_NOT_SET:
      break;
  }
  return Refuse("loss", "names no loss that this program knows");
}

}  // namespace

absl::StatusOr<Loss> NewLoss(const v1::LossConfig& config, Supervision supervision) {
  SEMBLANCE_ASSIGN_OR_RETURN(Loss loss, NewLossOfKind(config, supervision));
  if (supervision == Supervision::kTriplets && std::holds_alternative<std::unique_ptr<const LossOnPairs>>(loss)) {
    const auto* const kind = v1::LossConfig::descriptor()->FindOneofByName("kind");
    const std::string name = config.GetReflection()->GetOneofFieldDescriptor(config, kind)->name();
    return Refuse(absl::StrCat("loss.", name), "compares examples by their classes, and the data are triplets, without classes");
  }
  return loss;
}

}  // namespace semblance::trainer
