#include "service/engine/requests_in_flight.h"

namespace semblance::service {

void RequestsInFlight::AwaitNone() {
  MutexLock lock(&mutex_);
  changed_.Wait(mutex_, {}, [this]() SEMBLANCE_REQUIRES(mutex_) { return count_ == 0; });
}

void RequestsInFlight::Add() {
  MutexLock lock(&mutex_);
  ++count_;
}

void RequestsInFlight::Remove() {
  MutexLock lock(&mutex_);
  if (--count_ == 0) {
    // The lock is held, because the waiting thread may destroy this object as soon as the lock is free.
    changed_.NotifyAll();
  }
}

}  // namespace semblance::service
