#include "service/jobs/kubernetes/kubernetes_job_manifest.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/program/process.h"
#include "service/jobs/attached_job.h"

namespace semblance::service {
namespace {

using Json = nlohmann::json;

constexpr int kTriesOfAReplica = 3;
// A trainer writes its checkpoint within 25 seconds after SIGTERM.
constexpr int kTerminationSeconds = 30;
constexpr int kMasterPort = 29500;
constexpr absl::Duration kLongestGrace = absl::Hours(24);
constexpr char kIndexField[] = "metadata.annotations['batch.kubernetes.io/job-completion-index']";

Json Labels() {
  return {{"app.kubernetes.io/name", "semblance"},
          {"app.kubernetes.io/component", kTrainerContainer},
          {"app.kubernetes.io/managed-by", kManagedBy}};
}

Json Owners(const char* api_version, const char* kind, const KubernetesOwner& owner) {
  // It does not block the deletion of its owner, because that would need rights over the owner's finalizers.
  return Json::array({{{"apiVersion", api_version},
                       {"kind", kind},
                       {"name", owner.name},
                       {"uid", owner.uid},
                       {"controller", false},
                       {"blockOwnerDeletion", false}}});
}

// Kubernetes replaces $(NAME) by a variable and $$ by $.
std::string Literal(const std::string& text) {
  return absl::StrReplaceAll(text, {{"$", "$$"}});
}

Json Variable(const char* name, const std::string& value) {
  return {{"name", name}, {"value", Literal(value)}};
}

Json Environment(const JobSpec& spec) {
  Json environment = Json::array({Variable(kJobVariable, spec.name)});
  if (spec.replicas > 1) {
    environment.push_back({{"name", "RANK"}, {"valueFrom", {{"fieldRef", {{"fieldPath", kIndexField}}}}}});
    environment.push_back(Variable("WORLD_SIZE", absl::StrCat(spec.replicas)));
    environment.push_back(Variable("LOCAL_RANK", "0"));
    environment.push_back(Variable("LOCAL_WORLD_SIZE", "1"));
    environment.push_back(Variable("MASTER_ADDR", absl::StrCat(spec.name, "-0.", spec.name)));
    environment.push_back(Variable("MASTER_PORT", absl::StrCat(kMasterPort)));
  }
  return environment;
}

// Request and limit are equal, so that no other pod takes the resources away. Empty if the spec sets no resources.
Json Resources(const JobSpec& spec) {
  Json amounts = Json::object();
  if (spec.cpus > 0) {
    amounts["cpu"] = absl::StrCat(static_cast<int64_t>(std::ceil(spec.cpus * 1000)), "m");
  }
  if (spec.max_memory_bytes > 0) {
    amounts["memory"] = absl::StrCat(spec.max_memory_bytes);
  }
  if (spec.gpus > 0) {
    amounts["nvidia.com/gpu"] = absl::StrCat(spec.gpus);
  }
  return amounts.empty() ? Json::object() : Json{{"limits", amounts}, {"requests", amounts}};
}

Json Container(const JobSpec& spec, const KubernetesOptions& options) {
  Json command = Json::array();
  for (const std::string& argument : spec.arguments) {
    command.push_back(Literal(argument));
  }
  return {{"name", kTrainerContainer},
          {"image", options.image},
          {"command", command},
          {"env", Environment(spec)},
          {"resources", Resources(spec)},
          {"securityContext",
           {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}}},
          {"volumeMounts", {{{"name", "data"}, {"mountPath", options.mount_path}}, {{"name", "tmp"}, {"mountPath", "/tmp"}}}}};
}

Json PodSpec(const JobSpec& spec, const KubernetesOptions& options) {
  Json pod = {{"restartPolicy", "Never"},
              {"serviceAccountName", options.service_account},
              {"automountServiceAccountToken", false},
              {"terminationGracePeriodSeconds", kTerminationSeconds},
              {"securityContext", {{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
              {"containers", Json::array({Container(spec, options)})},
              {"volumes",
               {{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", options.volume_claim}}}},
                {{"name", "tmp"}, {"emptyDir", Json::object()}}}}};
  if (spec.replicas > 1) {
    pod["subdomain"] = spec.name;
  }
  return pod;
}

// Kubernetes applies the first rule that matches.
Json PodFailurePolicy() {
  const Json hopeless = {{"containerName", kTrainerContainer}, {"operator", "In"}, {"values", {kExitUsage, kExitBadInput}}};
  const Json disrupted = Json::array({{{"type", "DisruptionTarget"}, {"status", "True"}}});
  return {{"rules", {{{"action", "FailJob"}, {"onExitCodes", hopeless}}, {{"action", "Ignore"}, {"onPodConditions", disrupted}}}}};
}

}  // namespace

std::string RenderJob(const JobSpec& spec, const KubernetesOptions& options, const std::optional<KubernetesOwner>& deployment) {
  Json job = {{"apiVersion", "batch/v1"},
              {"kind", "Job"},
              {"metadata",
               {{"name", spec.name},
                {"namespace", options.job_namespace},
                {"labels", Labels()},
                {"annotations", {{kLogPathAnnotation, spec.log_path}}}}},
              {"spec",
               {{"backoffLimit", kTriesOfAReplica * spec.replicas},
                {"podFailurePolicy", PodFailurePolicy()},
                {"ttlSecondsAfterFinished", options.ttl_seconds},
                {"template", {{"metadata", {{"labels", Labels()}}}, {"spec", PodSpec(spec, options)}}}}}};
  if (deployment.has_value()) {
    job["metadata"]["ownerReferences"] = Owners("apps/v1", "Deployment", *deployment);
  }
  if (spec.replicas > 1) {
    job["spec"]["completionMode"] = "Indexed";
    job["spec"]["completions"] = spec.replicas;
    job["spec"]["parallelism"] = spec.replicas;
  }
  return job.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string RenderReplicaService(const KubernetesOwner& job) {
  const Json service = {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", {{"name", job.name}, {"labels", Labels()}, {"ownerReferences", Owners("batch/v1", "Job", job)}}},
      {"spec",
       {{"clusterIP", "None"},
        {"selector", {{"job-name", job.name}}},
        // The replicas look for each other before any of them is ready.
        {"publishNotReadyAddresses", true},
        {"ports", Json::array({{{"name", "rendezvous"}, {"port", kMasterPort}}})}}}};
  return service.dump();
}

std::string RenderDeletion(const std::string& uid, absl::Duration grace) {
  const absl::Duration seconds = absl::Ceil(std::clamp(grace, absl::ZeroDuration(), kLongestGrace), absl::Seconds(1));
  const Json deletion = {{"apiVersion", "v1"},
                         {"kind", "DeleteOptions"},
                         {"propagationPolicy", "Foreground"},
                         {"gracePeriodSeconds", absl::ToInt64Seconds(seconds)},
                         {"preconditions", {{"uid", uid}}}};
  return deletion.dump();
}

}  // namespace semblance::service
