// Reports the health of the proxies: as a line of text, as values for the log, and as the error that ends a run.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_PROXIES_PROXY_HEALTH_REPORT_H_
#define SEMBLANCE_TRAINER_PROXIES_PROXY_HEALTH_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "trainer/metrics/named_value.h"
#include "trainer/proxies/proxy_health.h"

namespace semblance::trainer {

// "accuracy 0.9012, cosine to class mean 0.812 (least 0.402), ..."
std::string FormatHealth(const ProxyHealth& health);

// The values "proxies/..." and "dead_proxies". With labels also "loss/nca" and "loss/nca_bound", which are means over the anchors.
std::vector<NamedValue> NamedValuesOf(const ProxyHealth& health);

// Returns FailedPrecondition, with the names of the classes, if proxies cannot learn. `classes` has the name of each class.
// REQUIRES: `health` covers a whole epoch, and the loss moves every proxy.
absl::Status CheckNotStuck(const ProxyHealth& health, absl::Span<const std::string> classes);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_PROXIES_PROXY_HEALTH_REPORT_H_
