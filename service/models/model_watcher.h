// Looks through the model root now and then and registers the bundles that it finds.
//
// Thread-safe. The registry must outlive it.
//
// Found are <root>/<directory>/manifest.json and <root>/<directory>/<directory>/manifest.json; names that begin with "." or contain
// ".tmp." (bundles that are being written) are passed over, and links on the first level are not looked into. What a directory
// holds can lead to nothing worse than its refusal, which is logged once for each manifest (by its time of change); the directory
// is read again when one of its files has changed. Deleted models stay deleted.
#ifndef SEMBLANCE_SERVICE_MODELS_MODEL_WATCHER_H_
#define SEMBLANCE_SERVICE_MODELS_MODEL_WATCHER_H_

#include <atomic>
#include <condition_variable>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/threads/mutex.h"
#include "service/models/model_registry.h"

namespace semblance::service {

class ModelWatcher {
 public:
  // What one scan changed and logged.
  struct ScanResult {
    // "shoes/3".
    std::vector<std::string> registered;
    // Directories, relative to the root ("" is the root itself), and why they were refused: those that were not logged before.
    std::vector<std::pair<std::string, absl::Status>> failures;
  };

  // Scans at once and then every `period`, on a thread of the lowest priority; a zero period: only ScanOnce does.
  ModelWatcher(ModelRegistry* registry, absl::Duration period);
  // Waits for the bundle that is being read, if any.
  ~ModelWatcher();
  ModelWatcher(const ModelWatcher&) = delete;
  ModelWatcher& operator=(const ModelWatcher&) = delete;

  ScanResult ScanOnce();

 private:
  // Of a directory that was read and is not registered under its own path.
  struct Attempt {
    // Names, sizes and times of its files, taken before it was read.
    std::string state;
    // Of the manifest whose failure was logged; empty: none was.
    std::string logged_time;
    // Reading the same state again cannot end otherwise.
    bool final = false;
  };

  void Run(absl::Duration period);
  void Visit(const std::string& path, ScanResult& result) SEMBLANCE_REQUIRES(scan_mutex_);
  // Unless a failure of that time was logged before.
  void LogFailure(const std::string& path, const std::string& time, const absl::Status& status, ScanResult& result)
      SEMBLANCE_REQUIRES(scan_mutex_);

  ModelRegistry* const registry_;

  // One scan at a time.
  Mutex scan_mutex_;
  // By path.
  std::map<std::string, Attempt> attempts_ SEMBLANCE_GUARDED_BY(scan_mutex_);

  std::atomic<bool> stop_ = false;
  // Of the thread's rests.
  Mutex mutex_;
  std::condition_variable_any stopped_;
  std::thread thread_;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_MODELS_MODEL_WATCHER_H_
