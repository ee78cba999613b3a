#include "service/rpc/generation_convert.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "service/rpc/convert.h"

namespace semblance::service {
namespace {

constexpr size_t kMaxIdBytes = 128;

absl::StatusOr<ActivationPolicy> RequestedPolicy(v1::ActivationPolicy policy) {
  switch (policy) {
    case v1::ACTIVATION_POLICY_UNSPECIFIED:
    case v1::ACTIVATION_POLICY_MANUAL:
      return ActivationPolicy::kManual;
    case v1::ACTIVATION_POLICY_ALWAYS:
      return ActivationPolicy::kAlways;
    case v1::ACTIVATION_POLICY_IF_BETTER:
      return ActivationPolicy::kIfBetter;
    default:
      break;
  }
  return InvalidField("activation_policy", v1::ERROR_REASON_CONFIG_INVALID,
                      absl::StrCat("activation_policy is ", static_cast<int>(policy), ", which this server does not know"));
}

v1::GenerationState StateToProto(GenerationState state) {
  switch (state) {
    case GenerationState::kCreating:
      return v1::GENERATION_STATE_CREATING;
    case GenerationState::kEmbedding:
      return v1::GENERATION_STATE_EMBEDDING;
    case GenerationState::kIndexing:
      return v1::GENERATION_STATE_INDEXING;
    case GenerationState::kLoading:
      return v1::GENERATION_STATE_LOADING;
    case GenerationState::kCatchingUp:
      return v1::GENERATION_STATE_CATCHING_UP;
    case GenerationState::kWarming:
      return v1::GENERATION_STATE_WARMING;
    case GenerationState::kReady:
      return v1::GENERATION_STATE_READY;
    case GenerationState::kActive:
      return v1::GENERATION_STATE_ACTIVE;
    case GenerationState::kStandby:
      return v1::GENERATION_STATE_STANDBY;
    case GenerationState::kRetiring:
      return v1::GENERATION_STATE_RETIRING;
    case GenerationState::kFailed:
      return v1::GENERATION_STATE_FAILED;
    case GenerationState::kCancelled:
      return v1::GENERATION_STATE_CANCELLED;
  }
  return v1::GENERATION_STATE_UNSPECIFIED;
}

v1::ActivationPolicy PolicyToProto(ActivationPolicy policy) {
  switch (policy) {
    case ActivationPolicy::kAlways:
      return v1::ACTIVATION_POLICY_ALWAYS;
    case ActivationPolicy::kIfBetter:
      return v1::ACTIVATION_POLICY_IF_BETTER;
    case ActivationPolicy::kManual:
      break;
  }
  return v1::ACTIVATION_POLICY_MANUAL;
}

void DescribeGates(const storage::v1::GatesRecord& gates, v1::GenerationGates* proto) {
  proto->set_min_index_recall(gates.min_index_recall());
  if (gates.has_label_recall_tolerance()) {
    proto->set_label_recall_tolerance(gates.label_recall_tolerance());
  }
  proto->set_sample_size(gates.sample_size());
}

void DescribeManifest(const storage::v1::GenerationManifest& manifest, v1::Generation* proto) {
  proto->set_id(manifest.id());
  proto->set_model(manifest.model());
  proto->set_model_version(manifest.model_version());
  proto->set_embedding_space_id(manifest.embedding_space_id());
  proto->set_dimension(manifest.dimension());
  proto->set_index_factory(manifest.index_factory());
  proto->set_activation_policy(PolicyToProto(PolicyOf(manifest)));
  if (manifest.has_gates()) {
    DescribeGates(manifest.gates(), proto->mutable_gates());
  }
  absl::Time create_time;
  if (absl::ParseTime(absl::RFC3339_full, manifest.create_time(), &create_time, nullptr)) {
    ToProto(create_time, proto->mutable_create_time());
  }
}

void DescribeProgress(const GenerationProgress& progress, v1::GenerationProgress* proto) {
  proto->set_done(progress.done);
  proto->set_total(progress.total);
  proto->set_unit(progress.unit);
  if (progress.time_left.has_value() && *progress.time_left < absl::InfiniteDuration()) {
    ToProto(*progress.time_left, proto->mutable_time_left());
  }
}

void DescribeTraffic(const GenerationTraffic& traffic, v1::GenerationTraffic* proto) {
  proto->set_canary_share(traffic.shares.canary);
  proto->set_shadow_share(traffic.shares.shadow);
  proto->set_canary_count(traffic.canary_count);
  proto->set_shadow_count(traffic.shadow_count);
  proto->set_shadow_dropped_count(traffic.shadow_dropped_count);
  proto->set_shadow_overlap(traffic.shadow_overlap);
}

}  // namespace

absl::StatusOr<GenerationSpec> FromProto(const v1::CreateGenerationRequest& request) {
  GenerationSpec spec;
  spec.index_factory = request.index_factory();
  spec.gates = request.gates();
  SEMBLANCE_ASSIGN_OR_RETURN(spec.policy, RequestedPolicy(request.activation_policy()));
  spec.request_id = request.request_id();
  return spec;
}

TrafficShares FromProto(const v1::GenerationTraffic& traffic) {
  return {.canary = traffic.canary_share(), .shadow = traffic.shadow_share()};
}

absl::Status CheckGenerationId(absl::string_view field, absl::string_view id) {
  if (id.empty()) {
    return InvalidField(field, v1::ERROR_REASON_INVALID_ID,
                        absl::StrCat(field, " is empty; it must be the id of a generation, such as gen-000001"));
  }
  if (id.size() > kMaxIdBytes) {
    return InvalidField(field, v1::ERROR_REASON_INVALID_ID,
                        absl::StrCat(field, " has ", id.size(), " bytes; the limit is ", kMaxIdBytes));
  }
  for (const char c : id) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return InvalidField(field, v1::ERROR_REASON_INVALID_ID, absl::StrCat(field, " has a control character"));
    }
  }
  return absl::OkStatus();
}

void ToProto(const GenerationInfo& info, v1::Generation* proto) {
  DescribeManifest(info.manifest, proto);
  proto->set_state(StateToProto(info.state));
  proto->set_state_reason(info.reason);
  ToProto(info.state_time, proto->mutable_state_time());
  if (info.progress.has_value()) {
    DescribeProgress(*info.progress, proto->mutable_progress());
  }
  if (info.evaluation.has_value()) {
    ToProto(*info.evaluation, proto->mutable_evaluation());
  }
  proto->set_applied_sequence(info.applied_sequence);
  proto->set_lag(info.lag);
  proto->set_item_count(info.item_count);
  proto->set_memory_bytes(info.memory_bytes);
  if (info.traffic.has_value()) {
    DescribeTraffic(*info.traffic, proto->mutable_traffic());
  }
}

void ToProto(const GenerationEvaluation& evaluation, v1::GenerationEvaluation* proto) {
  proto->set_item_count(evaluation.item_count);
  proto->set_expected_item_count(evaluation.expected_item_count);
  proto->set_sequence(evaluation.sequence);
  proto->set_index_recall(evaluation.index_recall);
  if (evaluation.label_recall.has_value()) {
    proto->set_label_recall(*evaluation.label_recall);
  }
  if (evaluation.active_label_recall.has_value()) {
    proto->set_active_label_recall(*evaluation.active_label_recall);
  }
  proto->set_label_query_count(evaluation.label_query_count);
  ToProto(evaluation.warm_latency, proto->mutable_warm_latency());
  proto->mutable_failures()->Add(evaluation.failures.begin(), evaluation.failures.end());
  ToProto(evaluation.evaluate_time, proto->mutable_evaluate_time());
}

void ToProto(const GenerationList& list, v1::ListGenerationsResponse* proto) {
  for (const GenerationInfo& info : list.generations) {
    ToProto(info, proto->add_generations());
  }
  proto->set_active(list.active);
  proto->set_previous(list.previous);
}

}  // namespace semblance::service
