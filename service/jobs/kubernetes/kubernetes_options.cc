#include "service/jobs/kubernetes/kubernetes_options.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

// Kubernetes puts this file into every pod.
constexpr char kNamespacePath[] = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

// A DNS subdomain consists of labels with dots between them.
absl::Status CheckName(absl::string_view field, const std::string& value) {
  constexpr size_t kMaxSize = 253;
  const std::vector<std::string> labels = absl::StrSplit(value, '.');
  const bool good = std::all_of(labels.begin(), labels.end(), [](const std::string& label) { return IsDnsLabel(label); });
  if (value.size() > kMaxSize || !good) {
    return absl::InvalidArgumentError(absl::StrCat("kubernetes.", field, " is \"", value, "\", which names nothing in Kubernetes"));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsDnsLabel(const std::string& name, size_t max_size) {
  const auto in_label = [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-'; };
  return !name.empty() && name.size() <= max_size && std::all_of(name.begin(), name.end(), in_label) && name.front() != '-' &&
         name.back() != '-';
}

absl::StatusOr<KubernetesOptions> KubernetesOptions::WithNamespace() const {
  KubernetesOptions filled = *this;
  if (filled.job_namespace.empty()) {
    const absl::StatusOr<std::string> own = ReadFile(kNamespacePath);
    if (!own.ok()) {
      return absl::FailedPreconditionError("kubernetes.namespace is needed: this is no pod with a service account");
    }
    filled.job_namespace = std::string(absl::StripAsciiWhitespace(*own));
  }
  return filled;
}

absl::Status KubernetesOptions::Validate() const {
  if (image.empty() ||
      std::any_of(image.begin(), image.end(), [](char c) { return absl::ascii_isspace(c) || absl::ascii_iscntrl(c); })) {
    return absl::InvalidArgumentError(absl::StrCat("kubernetes.image is \"", image, "\"; it must name an image"));
  }
  if (!IsDnsLabel(job_namespace)) {
    return absl::InvalidArgumentError(absl::StrCat("kubernetes.namespace is \"", job_namespace, "\", which names no namespace"));
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckName("volume_claim", volume_claim));
  SEMBLANCE_RETURN_IF_ERROR(CheckName("service_account", service_account));
  if (!owner_deployment.empty()) {
    SEMBLANCE_RETURN_IF_ERROR(CheckName("owner_deployment", owner_deployment));
  }
  if (!absl::StartsWith(mount_path, "/") || mount_path.size() < 2 || absl::StrContains(mount_path, ":")) {
    return absl::InvalidArgumentError(
        absl::StrCat("kubernetes.mount_path is \"", mount_path, "\"; it must be absolute, without a colon"));
  }
  if (ttl_seconds < 1) {
    return absl::InvalidArgumentError(absl::StrCat("kubernetes.ttl_seconds is ", ttl_seconds, "; it must be at least 1"));
  }
  return absl::OkStatus();
}

}  // namespace semblance::service
