#include "service/jobs/kubernetes/kubernetes_pod_logs.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "service/jobs/kubernetes/kubernetes_job_manifest.h"

namespace semblance::service {
namespace {

// The most bytes of one read. The next read returns the rest.
constexpr int64_t kMaxBytes = 4 << 20;
constexpr char kSeconds[] = "%Y-%m-%dT%H:%M:%SZ";

// This file holds the position.
std::string PositionPath(const std::string& log_path) {
  return absl::StrCat(log_path, ".position");
}

}  // namespace

KubernetesPodLogs::KubernetesPodLogs(KubernetesClient* client, std::string pods_path, std::string log_path)
    : client_(*client), pods_path_(std::move(pods_path)), log_path_(std::move(log_path)) {
  ReadPositions();
}

void KubernetesPodLogs::Copy(const std::vector<KubernetesPod>& pods) {
  if (log_path_.empty()) {
    return;
  }
  std::string lines;
  for (const KubernetesPod& pod : pods) {
    lines += WhyItWaits(pod);
    lines += NewLines(pod);
  }
  if (lines.empty()) {
    return;
  }
  const auto log = AppendFile::Open(log_path_);
  if (log.ok() && (*log)->Append(lines).ok()) {
    WritePositions();
  }
}

std::string KubernetesPodLogs::WhyItWaits(const KubernetesPod& pod) {
  std::string& told = told_[pod.name];
  if (pod.waits_for == told) {
    return "";
  }
  told = pod.waits_for;
  return told.empty() ? "" : absl::StrCat("The pod ", pod.name, " waits: ", told, "\n");
}

std::string KubernetesPodLogs::NewLines(const KubernetesPod& pod) {
  if (!pod.has_started || done_.count(pod.name) > 0) {
    return "";
  }
  std::string path =
      absl::StrCat(pods_path_, "/", pod.name, "/log?container=", kTrainerContainer, "&timestamps=true&limitBytes=", kMaxBytes);
  const auto last = positions_.find(pod.name);
  absl::Time position = last == positions_.end() ? absl::InfinitePast() : last->second;
  if (last != positions_.end()) {
    absl::StrAppend(&path, "&sinceTime=", absl::FormatTime(kSeconds, position, absl::UTCTimeZone()));
  }
  const absl::StatusOr<std::string> log = client_.Get(path);
  if (!log.ok()) {
    return "";
  }
  const std::string prefix = pod.index == 0 ? "" : absl::StrCat("[rank ", pod.index, "] ");
  std::string result;
  std::vector<absl::string_view> lines = absl::StrSplit(*log, '\n');
  const bool is_cut = static_cast<int64_t>(log->size()) >= kMaxBytes;
  if (is_cut || !pod.exit_code.has_value()) {
    lines.pop_back();  // This is an incomplete line, or empty.
  }
  for (const absl::string_view line : lines) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    absl::Time time;
    // The server starts again at the second of the last line.
    if (absl::ParseTime(absl::RFC3339_full, parts.first, &time, nullptr) && time > position) {
      absl::StrAppend(&result, prefix, parts.second, "\n");
      position = time;
    }
  }
  if (position > absl::InfinitePast()) {
    positions_[pod.name] = position;
  }
  if (pod.exit_code.has_value() && !is_cut) {
    done_.insert(pod.name);
  }
  return result;
}

void KubernetesPodLogs::ReadPositions() {
  const absl::StatusOr<std::string> text = log_path_.empty() ? "" : ReadFile(PositionPath(log_path_));
  if (!text.ok()) {
    return;
  }
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::pair<std::string, absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    absl::Time time;
    if (absl::ParseTime(absl::RFC3339_full, parts.second, &time, nullptr)) {
      positions_[parts.first] = time;
    }
  }
}

void KubernetesPodLogs::WritePositions() const {
  std::string text;
  for (const auto& [pod, time] : positions_) {
    absl::StrAppend(&text, pod, " ", absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()), "\n");
  }
  // If this fails, lines are copied again.
  (void)WriteFileAtomically(PositionPath(log_path_), text);
}

}  // namespace semblance::service
