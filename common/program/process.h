// Sets up a program that computes on the CPU, and defines the exit codes of all programs.
//
// Not thread-safe: call it from main before any thread starts.
#ifndef SEMBLANCE_COMMON_PROGRAM_PROCESS_H_
#define SEMBLANCE_COMMON_PROGRAM_PROCESS_H_

namespace semblance {

// Lets idle OpenMP threads sleep instead of spin, keeps OpenBLAS on the calling thread, and keeps large freed blocks in the process
// between training or inference steps. The libraries read the first two when they load, so this runs the program again with the
// environment set (execv), unless the operator has set OMP_WAIT_POLICY. It returns when nothing is left to set up.
void TuneForCompute(char** argv);

// Exit codes of every program.
enum ExitCode {
  kExitDone = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  // The configuration or the data is bad, so trying again does not help.
  kExitBadInput = 42,
  // Something outside of the program failed. Trying again may help.
  kExitTransient = 75,
  // The program was stopped by SIGTERM.
  kExitTerminated = 143,
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRAM_PROCESS_H_
