// Counts the requests that hold a generation, so that the engine ends after the last of them.
//
// Thread-safe.
//
// A request has been answered before it lets go of its generation, on a thread that may be the batcher's. The generation joins
// that thread when it is destroyed. So its owner first waits until no request is left:
//
//   class Run {
//     RequestsInFlight::Token token_;              // Declared before the generation, so that it is returned after it.
//     std::shared_ptr<Generation> generation_;
//   };
//   ...
//   in_flight.AwaitNone();
//   generations.clear();
#ifndef SEMBLANCE_SERVICE_ENGINE_REQUESTS_IN_FLIGHT_H_
#define SEMBLANCE_SERVICE_ENGINE_REQUESTS_IN_FLIGHT_H_

#include <cstdint>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"

namespace semblance::service {

class RequestsInFlight {
 public:
  // Counts one request as long as it lives.
  class Token {
   public:
    // `requests` must outlive the token.
    explicit Token(RequestsInFlight* requests) : requests_(requests) { requests_->Add(); }
    ~Token() { requests_->Remove(); }
    Token(const Token&) = delete;
    Token& operator=(const Token&) = delete;

   private:
    RequestsInFlight* const requests_;
  };

  // Returns when no token exists.
  void AwaitNone();

 private:
  void Add();
  void Remove();

  Mutex mutex_;
  Condition changed_;
  int64_t count_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
};

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_ENGINE_REQUESTS_IN_FLIGHT_H_
