// What a program that computes on the CPU sets up before anything else.
//
// Not thread-safe: call from main before any thread starts.
#ifndef SEMBLANCE_COMMON_PROCESS_H_
#define SEMBLANCE_COMMON_PROCESS_H_

namespace semblance {

// Lets idle OpenMP threads sleep instead of spin, keeps OpenBLAS on the calling thread, and keeps large freed blocks in the process
// between training or inference steps. The libraries read the first two when they load, so this runs the program again with the
// environment set (execv) unless the operator has set OMP_WAIT_POLICY; returns only when nothing (more) is to be done.
void TuneForCompute(char** argv);

// Exit codes of every program.
enum ExitCode {
  kExitDone = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  // Bad configuration or data: trying again is of no use.
  kExitBadInput = 42,
  // Something outside failed: try again.
  kExitTransient = 75,
  // Stopped by SIGTERM.
  kExitTerminated = 143,
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROCESS_H_
