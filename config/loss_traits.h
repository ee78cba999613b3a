// The loss that a configuration chooses, as the option (loss_traits) of its field describes it.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CONFIG_LOSS_TRAITS_H_
#define SEMBLANCE_CONFIG_LOSS_TRAITS_H_

#include <string>
#include <vector>

#include "semblance/v1/loss_config.pb.h"

namespace semblance::config {

// Returns true for losses that compare with proxies, and false for losses that compare examples with one another. A config that
// chooses no loss counts as one with proxies.
bool UsesProxies(const v1::LossConfig& loss);

// Returns true for losses that can learn from a manifest of triplets. REQUIRES: a loss is chosen.
bool TakesTriplets(const v1::LossConfig& loss);

// Returns the path of the chosen loss in a configuration, such as "loss.triplet". REQUIRES: a loss is chosen.
std::string PathOfLoss(const v1::LossConfig& loss);

// Returns the paths of all losses that can learn from a manifest of triplets, in the order of their fields.
std::vector<std::string> PathsOfLossesOnTriplets();

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_LOSS_TRAITS_H_
