// A program that a test starts, with its output and its exit code.
//
// Not thread-safe. The destructor kills a process that still runs.
#ifndef SEMBLANCE_TESTS_TESTING_PROCESS_H_
#define SEMBLANCE_TESTS_TESTING_PROCESS_H_

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace semblance::testing {

class Process {
 public:
  // Runs argv[0], which is a path. Standard error goes to that of the test. REQUIRES: the program exists.
  explicit Process(const std::vector<std::string>& argv);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Returns the next line of standard output without the line feed, or an empty text at the end.
  std::string ReadLine();

  // Returns the rest of standard output.
  std::string ReadAll();

  void Signal(int signal);

  // Waits for the end of the process. Returns the exit code, or 128 + the signal that ended it.
  int Wait();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

// Runs a program to its end and returns its exit code. If `output` is not null, it gets the standard output.
int RunProgram(const std::vector<std::string>& argv, std::string* output = nullptr);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_PROCESS_H_
