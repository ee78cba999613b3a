// Remembers the generation that was active before the present one. A rollback activates it.
//
// Thread-safe.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_ROLLBACK_TARGET_H_
#define SEMBLANCE_SERVICE_GENERATIONS_ROLLBACK_TARGET_H_

#include <string>
#include <utility>

#include "common/threads/mutex.h"

namespace semblance::service {

class RollbackTarget {
 public:
  // Empty when there is none.
  std::string id() const {
    MutexLock lock(&mutex_);
    return id_;
  }

  void Set(std::string id) {
    MutexLock lock(&mutex_);
    id_ = std::move(id);
  }

  // The generation can no longer answer. Does nothing when it is not the target.
  void Forget(const std::string& id) {
    MutexLock lock(&mutex_);
    if (id_ == id) {
      id_.clear();
    }
  }

 private:
  mutable Mutex mutex_;
  std::string id_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_ROLLBACK_TARGET_H_
