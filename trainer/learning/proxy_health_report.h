// The health of the proxies in the forms in which a run tells it: a line, values for its log, and the error that ends it.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_TRAINER_LEARNING_PROXY_HEALTH_REPORT_H_
#define SEMBLANCE_TRAINER_LEARNING_PROXY_HEALTH_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "trainer/learning/proxy_health.h"
#include "trainer/metrics/named_value.h"

namespace semblance::trainer {

// "accuracy 0.9012, cosine to class mean 0.812 (least 0.402), ..."
std::string FormatHealth(const ProxyHealth& health);

// "proxies/...", "dead_proxies", and with labels "loss/nca" and "loss/nca_bound", means over the anchors.
std::vector<NamedValue> NamedValuesOf(const ProxyHealth& health);

// FailedPrecondition, with the names of the classes, where proxies cannot learn. `classes` are the names by number. For health that
// saw a whole epoch, of a loss that moves every proxy.
absl::Status CheckNotStuck(const ProxyHealth& health, absl::Span<const std::string> classes);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_PROXY_HEALTH_REPORT_H_
