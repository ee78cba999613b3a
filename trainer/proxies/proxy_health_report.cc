#include "trainer/proxies/proxy_health_report.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace semblance::trainer {
namespace {

double PerAnchor(const NcaBound& bound, double sum) {
  return sum / static_cast<double>(std::max<int64_t>(bound.anchors, 1));
}

}  // namespace

std::string FormatHealth(const ProxyHealth& health) {
  const std::string motion =
      absl::StrFormat("gradient %.2e, norm %.4f, dead %d", health.mean_gradient_norm, health.mean_norm, health.dead);
  if (health.of_triplets) {
    return absl::StrFormat("accuracy %.4f, undecided %.4f, %s", health.nearest_proxy_accuracy, health.undecided, motion);
  }
  return absl::StrFormat("accuracy %.4f, cosine to class mean %.3f (least %.3f), %s; NCA %.3f <= bound %.3f, epsilon %.3f",
                         health.nearest_proxy_accuracy, health.mean_cosine_to_class, health.least_cosine_to_class, motion,
                         PerAnchor(health.bound, health.bound.nca), PerAnchor(health.bound, health.bound.bound),
                         health.bound.epsilon);
}

std::vector<NamedValue> NamedValuesOf(const ProxyHealth& health) {
  std::vector<NamedValue> values;
  if (health.of_triplets) {
    values = {{"proxies/nearest_accuracy", health.nearest_proxy_accuracy}, {"proxies/undecided", health.undecided}};
  } else {
    values = {{"loss/nca", PerAnchor(health.bound, health.bound.nca)},
              {"loss/nca_bound", PerAnchor(health.bound, health.bound.bound)},
              {"proxies/epsilon", health.bound.epsilon},
              {"proxies/nearest_accuracy", health.nearest_proxy_accuracy},
              {"proxies/cosine_to_class", health.mean_cosine_to_class},
              {"proxies/least_cosine_to_class", health.least_cosine_to_class}};
  }
  const std::vector<NamedValue> motion = {{"proxies/gradient_norm", health.mean_gradient_norm},
                                          {"proxies/norm", health.mean_norm},
                                          {"dead_proxies", static_cast<double>(health.dead)}};
  values.insert(values.end(), motion.begin(), motion.end());
  return values;
}

absl::Status CheckNotStuck(const ProxyHealth& health, absl::Span<const std::string> classes) {
  if (health.stuck == 0) {
    return absl::OkStatus();
  }
  std::vector<std::string> names;
  for (const int64_t number : health.stuck_classes) {
    names.push_back(classes[static_cast<size_t>(number)]);
  }
  return absl::FailedPreconditionError(absl::StrCat("the proxies of ", health.stuck,
                                                    " classes got no gradient, so they cannot learn (", absl::StrJoin(names, ", "),
                                                    "); a smaller scale of the loss may help"));
}

}  // namespace semblance::trainer
