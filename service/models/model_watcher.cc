#include "service/models/model_watcher.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <stop_token>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/status_macros.h"
#include "common/threads/background_thread.h"
#include "common/threads/stop.h"
#include "embedder/bundle/bundle.h"

namespace semblance::service {
namespace {

constexpr int kLowestPriority = 19;

bool IsPassedOver(const std::string& name) {
  return absl::StartsWith(name, ".") || absl::StrContains(name, ".tmp.");
}

bool IsRealDirectory(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string ManifestOf(const std::string& directory) {
  return absl::StrCat(directory, "/", embedder::kBundleManifestFile);
}

// Returns size, time of change and file number. Empty if there is no such file.
std::string StateOfFile(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return "";
  }
  return absl::StrCat(info.st_size, " ", absl::ToUnixNanos(absl::TimeFromTimespec(info.st_mtim)), " ", info.st_ino);
}

std::string StateOfDirectory(const std::string& directory) {
  std::string state;
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(directory);
  if (names.ok()) {
    for (const std::string& name : *names) {
      absl::StrAppend(&state, name, " ", StateOfFile(absl::StrCat(directory, "/", name)), "\n");
    }
  }
  return state;
}

std::string TimeOfManifest(const std::string& directory) {
  struct stat info {};
  ::stat(ManifestOf(directory).c_str(), &info);  // On failure the time is 0, which serves as well.
  return absl::FormatTime(absl::RFC3339_full, absl::TimeFromTimespec(info.st_mtim), absl::UTCTimeZone());
}

// Returns the directories with a manifest, relative to the root, sorted.
absl::StatusOr<std::vector<std::string>> FindManifests(const std::string& root) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(root));
  std::vector<std::string> found;
  const auto take = [&](const std::string& path) {
    if (PathExists(ManifestOf(absl::StrCat(root, "/", path)))) {
      found.push_back(path);
    }
  };
  for (const std::string& name : names) {
    const std::string directory = absl::StrCat(root, "/", name);
    if (IsPassedOver(name)) {
      continue;
    }
    take(name);
    const auto versions = IsRealDirectory(directory) ? ListDirectory(directory) : std::vector<std::string>();
    if (!versions.ok()) {  // This directory belongs to somebody else.
      continue;
    }
    for (const std::string& version : *versions) {
      if (!IsPassedOver(version)) {
        take(absl::StrCat(name, "/", version));
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool IsFinal(const absl::Status& status) {
  const v1::ErrorReason reason = ReasonOf(status);
  return status.ok() || reason == v1::ERROR_REASON_MANIFEST_INVALID || reason == v1::ERROR_REASON_DIGEST_MISMATCH ||
         reason == v1::ERROR_REASON_MODEL_EXISTS;
}

}  // namespace

ModelWatcher::ModelWatcher(ModelRegistry* registry, absl::Duration period) : registry_(registry) {
  if (period > absl::ZeroDuration()) {
    thread_ = Worker("model watcher", [this, period](const std::stop_token& stop) { Run(period, stop); });
  }
}

void ModelWatcher::Run(absl::Duration period, const std::stop_token& stop) {
  LowerThreadPriority(kLowestPriority);
  do {
    Scan(stop);
  } while (!WaitForStop(stop, period));
}

ModelWatcher::ScanResult ModelWatcher::Scan(const std::stop_token& stop) {
  MutexLock lock(&scan_mutex_);
  ScanResult result;
  absl::StatusOr<std::vector<std::string>> paths = FindManifests(registry_->root());
  if (!paths.ok()) {
    LogFailure("", paths.status().ToString(), paths.status(), result);
    return result;
  }
  paths->erase(std::remove_if(paths->begin(), paths->end(), [&](const std::string& path) { return registry_->IsKnown(path); }),
               paths->end());
  // A directory that is gone or registered by now starts again if it comes back.
  for (auto attempt = attempts_.begin(); attempt != attempts_.end();) {
    attempt = std::binary_search(paths->begin(), paths->end(), attempt->first) ? std::next(attempt) : attempts_.erase(attempt);
  }
  for (const std::string& path : *paths) {
    if (stop.stop_requested()) {
      break;
    }
    Visit(path, result);
  }
  return result;
}

void ModelWatcher::Visit(const std::string& path, ScanResult& result) {
  const std::string directory = absl::StrCat(registry_->root(), "/", path);
  const std::string time = TimeOfManifest(directory);
  std::string state = StateOfDirectory(directory);
  Attempt& attempt = attempts_[path];
  if (attempt.final && attempt.state == state) {
    return;
  }
  const absl::StatusOr<Registration> registration = registry_->Register(path, ModelRegistry::IfDeleted::kRefuse);
  attempt.state = std::move(state);
  attempt.final = IsFinal(registration.status());
  if (registration.ok()) {
    attempt.logged_time.clear();
    if (registration->created) {
      result.registered.push_back(FullModelName(registration->model.name, registration->model.version));
    }
  } else if (ReasonOf(registration.status()) != v1::ERROR_REASON_BUNDLE_NOT_FOUND && !registry_->IsKnown(path)) {
    // Otherwise it was just removed, or its model was just deleted.
    LogFailure(path, time, registration.status(), result);
  }
}

void ModelWatcher::LogFailure(const std::string& path, const std::string& time, const absl::Status& status, ScanResult& result) {
  Attempt& attempt = attempts_[path];
  if (attempt.logged_time == time) {
    return;
  }
  attempt.logged_time = time;
  LOG(WARNING) << "not registered: " << (path.empty() ? "the model root" : path) << ": " << status.message();
  result.failures.emplace_back(path, status);
}

}  // namespace semblance::service
