#include "service/generations/generation_checks.h"

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "config/field_rules.h"

namespace semblance::service {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;

}  // namespace

absl::StatusOr<GenerationSpec> CompleteSpec(GenerationSpec spec) {
  config::FillDefaults(&spec.gates);
  SEMBLANCE_RETURN_IF_ERROR(config::CheckFields(spec.gates, "gates"));
  if (spec.request_id.size() > kMaxRequestIdBytes) {
    return InvalidField("request_id", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat("request_id has ", spec.request_id.size(), " bytes; the limit is ", kMaxRequestIdBytes));
  }
  return spec;
}

absl::Status CheckShares(const TrafficShares& shares) {
  v1::GenerationTraffic traffic;
  traffic.set_canary_share(shares.canary);
  traffic.set_shadow_share(shares.shadow);
  return config::CheckFields(traffic, "traffic");
}

}  // namespace semblance::service
