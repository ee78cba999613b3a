// What is known of every generation, and who wants to know of its changes.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_ENGINE_GENERATION_TABLE_H_
#define SEMBLANCE_SERVICE_ENGINE_GENERATION_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "service/engine/generation_controller.h"
#include "service/engine/generation_info.h"

namespace semblance {

class GenerationTable {
 public:
  using Observer = GenerationController::Observer;

  // `complete` fills in what is measured at the moment of asking (applied sequence, traffic, ...). It must not call the table.
  explicit GenerationTable(std::function<void(GenerationInfo&)> complete) : complete_(std::move(complete)) {}

  void Insert(GenerationInfo info);
  // Changes one that exists, and tells those who observe it; nothing for one that does not.
  void Update(const std::string& id, const std::function<void(GenerationInfo&)>& change);
  // A new state; progress is cleared.
  void SetState(const std::string& id, GenerationState state, const std::string& reason);
  void Erase(const std::string& id);

  // Errors: NotFound/GENERATION_NOT_FOUND.
  absl::StatusOr<GenerationInfo> Find(const std::string& id) const;
  // The newest first.
  std::vector<GenerationInfo> List() const;

  absl::StatusOr<int64_t> AddObserver(const std::string& id, Observer observer);
  void RemoveObserver(int64_t token);

 private:
  struct Watch {
    std::string id;
    Observer observer;
  };

  void Tell(const std::string& id);

  const std::function<void(GenerationInfo&)> complete_;
  mutable Mutex mutex_;
  std::map<std::string, GenerationInfo> generations_ SEMBLANCE_GUARDED_BY(mutex_);

  // Held while observers are told, so that each hears one change at a time, the last one last. Taken before mutex_.
  Mutex observers_mutex_;
  std::map<int64_t, Watch> observers_ SEMBLANCE_GUARDED_BY(observers_mutex_);
  int64_t next_token_ SEMBLANCE_GUARDED_BY(observers_mutex_) = 1;
};

}  // namespace semblance

#endif  // SEMBLANCE_SERVICE_ENGINE_GENERATION_TABLE_H_
