// A thread that does background work until its owner stops it.
//
// Not thread-safe, except RequestStop.
//
// The body gets a stop token. It must return soon after a stop is requested: it waits with a Condition and the token, and passes
// the token to long work. The destructor requests the stop, which wakes such waits, and joins. So the worker should be the last
// member of its owner: everything that the body uses is then made before the thread starts and outlives it.
#ifndef SEMBLANCE_COMMON_THREADS_WORKER_H_
#define SEMBLANCE_COMMON_THREADS_WORKER_H_

#include <functional>
#include <stop_token>
#include <string>
#include <thread>

namespace semblance {

class Worker {
 public:
  using Body = std::function<void(const std::stop_token& stop)>;

  // A worker without a thread.
  Worker() = default;
  // Starts a thread that runs `body` once. `name` shows in debuggers (15 bytes are kept). REQUIRES: `body` does not throw.
  Worker(std::string name, Body body);
  // Stops the worker.
  ~Worker() = default;
  Worker(Worker&&) = default;
  // Stops the thread that was there before.
  Worker& operator=(Worker&&) = default;

  // Asks the body to return, and does not wait for it. To stop several workers, ask all of them before stopping the first.
  void RequestStop() { thread_.request_stop(); }

  // Requests the stop and returns when the body has returned. May be called again, and without a thread. REQUIRES: the caller is
  // not the body.
  void Stop();

 private:
  // Its destructor requests the stop and joins.
  std::jthread thread_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_THREADS_WORKER_H_
