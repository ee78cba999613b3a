// Scans the model root periodically and registers the bundles that it finds.
//
// Thread-safe. The registry must outlive the object.
//
// A scan finds <root>/<directory>/manifest.json and <root>/<directory>/<directory>/manifest.json. It skips names that begin
// with "." or contain ".tmp." (bundles that are being written), and does not follow links on the first level. A bad directory
// is refused. The refusal is logged once for each time of change of its manifest, and the directory is read again when one of
// its files has changed. Deleted models stay deleted.
#ifndef SEMBLANCE_SERVICE_MODELS_MODEL_WATCHER_H_
#define SEMBLANCE_SERVICE_MODELS_MODEL_WATCHER_H_

#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"
#include "service/models/model_registry.h"

namespace semblance::service {

class ModelWatcher {
 public:
  // The changes and log messages of one scan.
  struct ScanResult {
    // Names such as "shoes/3".
    std::vector<std::string> registered;
    // The refused directories that were not logged before, relative to the root ("" is the root itself), with the reasons.
    std::vector<std::pair<std::string, absl::Status>> failures;
  };

  // Scans at once and then every `period`, on a thread of the lowest priority. With a zero period only ScanOnce scans.
  ModelWatcher(ModelRegistry* registry, absl::Duration period);
  // Waits for the bundle that is being read, if there is one.
  ~ModelWatcher() = default;
  ModelWatcher(const ModelWatcher&) = delete;
  ModelWatcher& operator=(const ModelWatcher&) = delete;

  ScanResult ScanOnce() { return Scan(/*stop=*/{}); }

 private:
  // Describes a directory that was read and is not registered under its own path.
  struct Attempt {
    // Names, sizes and times of its files, taken before it was read.
    std::string state;
    // Identifies the manifest whose failure was logged. Empty if none was.
    std::string logged_time;
    // True if reading the same state again would end the same way.
    bool final = false;
  };

  void Run(absl::Duration period, const std::stop_token& stop);
  ScanResult Scan(const std::stop_token& stop);
  void Visit(const std::string& path, ScanResult& result) SEMBLANCE_REQUIRES(scan_mutex_);
  // Logs a failure, unless one of that time was logged before.
  void LogFailure(const std::string& path, const std::string& time, const absl::Status& status, ScanResult& result)
      SEMBLANCE_REQUIRES(scan_mutex_);

  ModelRegistry* const registry_;

  // Held during a scan, so that there is one at a time.
  Mutex scan_mutex_;
  // The directories by path.
  std::map<std::string, Attempt> attempts_ SEMBLANCE_GUARDED_BY(scan_mutex_);

  // It comes last, because it uses everything above.
  Worker thread_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_WATCHER_H_
