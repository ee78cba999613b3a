#include "service/jobs/kubernetes/kubernetes_job_status.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/program/process.h"
#include "service/jobs/job_launcher.h"
#include "service/jobs/kubernetes/kubernetes_job_manifest.h"

namespace semblance::service {
namespace {

using Json = nlohmann::json;

constexpr int kFirstSignalCode = 128;

// Returns the result of `read` for a text. `read` may throw Json::exception.
template <typename Read>
auto ParseWith(const std::string& text, Read read) -> absl::StatusOr<std::invoke_result_t<Read, const Json&>> {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& error) {
    return absl::UnavailableError(absl::StrCat("the API server's answer cannot be read: ", error.what()));
  }
}

std::string Text(const Json& object, const char* pointer) {
  return object.value(Json::json_pointer(pointer), std::string());
}

// Returns null if there is none.
Json At(const Json& object, const char* pointer) {
  return object.value(Json::json_pointer(pointer), Json());
}

absl::Time TimeAt(const Json& object, const char* pointer) {
  absl::Time time = absl::InfinitePast();
  absl::ParseTime(absl::RFC3339_full, Text(object, pointer), &time, nullptr);
  return time;
}

// Returns true if /status/conditions lists a condition of this type that is true.
bool HasCondition(const Json& object, const std::string& type) {
  const Json conditions = At(object, "/status/conditions");
  return std::any_of(conditions.begin(), conditions.end(),
                     [&](const Json& each) { return Text(each, "/type") == type && Text(each, "/status") == "True"; });
}

KubernetesJobStatus ReadJob(const Json& object) {
  KubernetesJobStatus job;
  job.uid = Text(object, "/metadata/uid");
  job.resource_version = Text(object, "/metadata/resourceVersion");
  // ~1 is a slash in a JSON pointer.
  job.is_ours = Text(object, "/metadata/labels/app.kubernetes.io~1managed-by") == kManagedBy;
  const Json annotations = At(object, "/metadata/annotations");
  job.log_path = annotations.is_object() ? annotations.value(kLogPathAnnotation, "") : "";
  job.phase = HasCondition(object, "Complete") ? KubernetesJobPhase::kComplete
              : HasCondition(object, "Failed") ? KubernetesJobPhase::kFailed
                                               : KubernetesJobPhase::kRuns;
  return job;
}

KubernetesJobEvent ReadEvent(const Json& event) {
  using Type = KubernetesJobEvent::Type;
  const std::string type = Text(event, "/type");
  KubernetesJobEvent result;
  result.type = type == "DELETED"    ? Type::kDeleted
                : type == "BOOKMARK" ? Type::kBookmark
                : type == "ERROR"    ? Type::kError
                                     : Type::kChanged;
  if (result.type == Type::kError) {
    result.error_code = event.value(Json::json_pointer("/object/code"), 0);
  } else {
    result.job = ReadJob(event.at("object"));
  }
  return result;
}

std::string WhyItWaits(const Json& pod, const Json& waiting) {
  if (waiting.is_object() && Text(waiting, "/reason") != "ContainerCreating") {
    return absl::StrCat(Text(waiting, "/reason"), " ", Text(waiting, "/message"));
  }
  for (const Json& condition : At(pod, "/status/conditions")) {
    if (Text(condition, "/type") == "PodScheduled" && Text(condition, "/status") == "False") {
      return absl::StrCat(Text(condition, "/reason"), " ", Text(condition, "/message"));
    }
  }
  return "";
}

KubernetesPod ReadPod(const Json& object) {
  KubernetesPod pod;
  pod.name = Text(object, "/metadata/name");
  const Json annotations = At(object, "/metadata/annotations");
  if (annotations.is_object()) {
    // A text that is no number counts as 0.
    (void)absl::SimpleAtoi(annotations.value("batch.kubernetes.io/job-completion-index", "0"), &pod.index);
  }
  Json waiting;
  for (const Json& container : At(object, "/status/containerStatuses")) {
    if (Text(container, "/name") != kTrainerContainer) {
      continue;
    }
    const Json ended = At(container, "/state/terminated");
    pod.has_started = ended.is_object() || At(container, "/state/running").is_object();
    waiting = At(container, "/state/waiting");
    if (ended.is_object()) {
      pod.exit_code = ended.value("exitCode", kExitUnknown);
      pod.end_time = TimeAt(ended, "/finishedAt");
    }
  }
  pod.waits_for = pod.has_started ? "" : WhyItWaits(object, waiting);
  return pod;
}

std::vector<KubernetesPod> ReadPods(const Json& list) {
  std::vector<std::pair<absl::Time, KubernetesPod>> pods;
  for (const Json& item : list.at("items")) {
    pods.emplace_back(TimeAt(item, "/metadata/creationTimestamp"), ReadPod(item));
  }
  std::stable_sort(pods.begin(), pods.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<KubernetesPod> sorted;
  for (auto& [time, pod] : pods) {
    sorted.push_back(std::move(pod));
  }
  return sorted;
}

// The greatest code is the most informative.
int Weight(int exit_code) {
  return exit_code == kExitBadInput ? 3 : exit_code == kExitUsage ? 2 : exit_code < kFirstSignalCode ? 1 : 0;
}

}  // namespace

absl::StatusOr<KubernetesJobStatus> ParseJob(const std::string& json) {
  return ParseWith(json, ReadJob);
}

absl::StatusOr<KubernetesJobEvent> ParseJobEvent(const std::string& json) {
  return ParseWith(json, ReadEvent);
}

absl::StatusOr<std::vector<KubernetesPod>> ParsePods(const std::string& json) {
  return ParseWith(json, ReadPods);
}

int ExitCodeOfFailed(const std::vector<KubernetesPod>& pods) {
  const KubernetesPod* best = nullptr;
  const auto rank = [](const KubernetesPod& pod) { return std::make_pair(Weight(*pod.exit_code), pod.end_time); };
  for (const KubernetesPod& pod : pods) {
    if (pod.exit_code.value_or(0) != 0 && (best == nullptr || rank(*best) <= rank(pod))) {
      best = &pod;
    }
  }
  return best == nullptr ? kExitUnknown : *best->exit_code;
}

}  // namespace semblance::service
