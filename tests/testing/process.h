// A program that a test starts: its output, its end.
//
// Not thread-safe. The destructor kills what still runs.
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
  // Runs argv[0], a path; standard error goes to the test's. REQUIRES: the program exists.
  explicit Process(const std::vector<std::string>& argv);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The next line of its standard output without the line feed; empty at the end.
  std::string ReadLine();

  // The rest of its standard output.
  std::string ReadAll();

  void Signal(int signal);

  // Waits for its end: the exit code, or 128 + the signal that ended it.
  int Wait();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

// Runs a program to its end and returns its exit code; `output`, when not null, gets its standard output.
int RunProgram(const std::vector<std::string>& argv, std::string* output = nullptr);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_PROCESS_H_
