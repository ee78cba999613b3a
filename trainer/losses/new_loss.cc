#include "trainer/losses/lifted_structure.h"
#include "trainer/losses/loss.h"
#include "trainer/losses/n_pairs.h"
#include "trainer/losses/normalized_softmax.h"
#include "trainer/losses/proxy_anchor.h"
#include "trainer/losses/proxy_nca.h"
#include "trainer/losses/proxy_triplet.h"
#include "trainer/losses/soft_triple.h"
#include "trainer/losses/triplet.h"

namespace semblance::trainer {
namespace {

std::unique_ptr<Loss> NewProxyNca(const v1::LossConfig& config) {
  ProxyNcaOptions options;
  options.denominator = config.proxy_nca().denominator() == v1::ProxyNcaConfig::DENOMINATOR_NEGATIVES
                            ? ProxyNcaOptions::Denominator::kNegatives
                            : ProxyNcaOptions::Denominator::kAll;
  options.embedding_scale = config.proxy_nca().embedding_scale();
  options.proxy_scale = config.proxy_nca().proxy_scale();
  options.label_smoothing = config.label_smoothing();
  return std::make_unique<ProxyNcaLoss>(options);
}

std::unique_ptr<Loss> NewSoftTriple(const v1::LossConfig& config) {
  SoftTripleOptions options;
  options.scale = config.soft_triple().scale();
  options.temperature = config.soft_triple().temperature();
  options.margin = config.soft_triple().margin();
  options.regularization = config.soft_triple().regularization();
  options.label_smoothing = config.label_smoothing();
  return std::make_unique<SoftTripleLoss>(options);
}

TripletLoss::Mining MiningOf(const v1::TripletConfig& config) {
  switch (config.mining()) {
    case v1::TripletConfig::MINING_HARD:
      return TripletLoss::Mining::kHard;
    case v1::TripletConfig::MINING_ALL:
      return TripletLoss::Mining::kAll;
    default:
      return TripletLoss::Mining::kSemiHard;
  }
}

}  // namespace

std::unique_ptr<Loss> NewLoss(const v1::LossConfig& config) {
  switch (config.kind_case()) {
    case v1::LossConfig::kProxyTriplet:
      return std::make_unique<ProxyTripletLoss>(config.proxy_triplet().margin());
    case v1::LossConfig::kProxyAnchor:
      return std::make_unique<ProxyAnchorLoss>(config.proxy_anchor().scale(), config.proxy_anchor().margin());
    case v1::LossConfig::kSoftTriple:
      return NewSoftTriple(config);
    case v1::LossConfig::kNormalizedSoftmax:
      return std::make_unique<NormalizedSoftmaxLoss>(config.normalized_softmax().temperature(), config.label_smoothing());
    case v1::LossConfig::kTriplet:
      return std::make_unique<TripletLoss>(MiningOf(config.triplet()), config.triplet().margin());
    case v1::LossConfig::kNPairs:
      return std::make_unique<NPairsLoss>(config.n_pairs().scale());
    case v1::LossConfig::kLiftedStructure:
      return std::make_unique<LiftedStructureLoss>(config.lifted_structure().margin());
    default:
      return NewProxyNca(config);
  }
}

}  // namespace semblance::trainer
