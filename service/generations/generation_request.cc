#include "service/generations/generation_request.h"

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/error.h"
#include "config/field_rules.h"

namespace semblance::service {
namespace {

using storage::v1::GenerationManifest;

std::string DigestOf(const GenerationSpec& spec) {
  const double tolerance = spec.gates.has_label_recall_tolerance() ? spec.gates.label_recall_tolerance() : -1;
  return Sha256Hex(absl::StrCat(spec.bundle_dir, "\n", spec.model_version, "\n", spec.index_factory, "\n",
                                spec.gates.min_index_recall(), "\n", tolerance, "\n", spec.gates.sample_size(), "\n",
                                static_cast<int>(spec.policy), "\n", spec.recall_tolerance));
}

}  // namespace

GenerationManifest ManifestOf(const GenerationSpec& spec) {
  GenerationManifest manifest;
  manifest.set_model_version(spec.model_version);
  manifest.set_index_factory(spec.index_factory);
  manifest.set_request_id(spec.request_id);
  manifest.set_request_digest(DigestOf(spec));
  manifest.mutable_gates()->set_min_index_recall(spec.gates.min_index_recall());
  manifest.mutable_gates()->set_sample_size(spec.gates.sample_size());
  if (spec.gates.has_label_recall_tolerance()) {
    manifest.mutable_gates()->set_label_recall_tolerance(spec.gates.label_recall_tolerance());
  }
  SetPolicy(spec.policy, manifest);
  if (spec.policy == ActivationPolicy::kIfBetter) {
    manifest.set_activation_recall_tolerance(spec.recall_tolerance);
  }
  return manifest;
}

absl::StatusOr<std::optional<GenerationInfo>> FindRequest(const GenerationSpec& spec,
                                                          const std::vector<GenerationInfo>& generations) {
  if (spec.request_id.empty()) {
    return std::nullopt;
  }
  for (const GenerationInfo& info : generations) {
    if (info.manifest.request_id() != spec.request_id) {
      continue;
    }
    if (info.manifest.request_digest() == DigestOf(spec)) {
      return std::optional(info);
    }
    return WithFieldPrefix(Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_REQUEST_ID_REUSED,
                                 absl::StrCat("request_id came before with another request; it made ", info.manifest.id())),
                           "request_id");
  }
  return std::nullopt;
}

v1::GenerationGates GatesOf(const GenerationManifest& manifest) {
  v1::GenerationGates gates;
  if (manifest.has_gates()) {
    gates.set_min_index_recall(manifest.gates().min_index_recall());
  }
  gates.set_sample_size(manifest.gates().sample_size());
  if (manifest.gates().has_label_recall_tolerance()) {
    gates.set_label_recall_tolerance(manifest.gates().label_recall_tolerance());
  }
  config::FillDefaults(&gates);
  return gates;
}

}  // namespace semblance::service
