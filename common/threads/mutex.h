// std::mutex with clang's thread-safety annotations: clang -Wthread-safety proves that guarded members are touched under their
// lock. (Debian's absl::Mutex reports false races under ThreadSanitizer.)
#ifndef SEMBLANCE_COMMON_THREADS_MUTEX_H_
#define SEMBLANCE_COMMON_THREADS_MUTEX_H_

#include <mutex>

#if defined(__clang__)
#define SEMBLANCE_ATTRIBUTE(x) __attribute__((x))
#else
#define SEMBLANCE_ATTRIBUTE(x)
#endif
#define SEMBLANCE_GUARDED_BY(mutex) SEMBLANCE_ATTRIBUTE(guarded_by(mutex))
#define SEMBLANCE_REQUIRES(mutex) SEMBLANCE_ATTRIBUTE(requires_capability(mutex))
#define SEMBLANCE_EXCLUDES(mutex) SEMBLANCE_ATTRIBUTE(locks_excluded(mutex))

namespace semblance {

// To wait for state that it guards, use a Condition. Thread-safe.
class SEMBLANCE_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() SEMBLANCE_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() SEMBLANCE_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds a Mutex for a scope.
class SEMBLANCE_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) SEMBLANCE_ATTRIBUTE(acquire_capability(mutex)) : mutex_(*mutex) { mutex_.lock(); }
  ~MutexLock() SEMBLANCE_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_MUTEX_H_
