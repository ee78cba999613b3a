#include "tests/testing/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace semblance::testing {

Process::Process(const std::vector<std::string>& argv) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  int pipe_ends[2];
  if (::pipe(pipe_ends) != 0) {
    std::abort();
  }
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    ::execv(arguments[0], arguments.data());
    std::perror(arguments[0]);
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  output_ = ::fdopen(pipe_ends[0], "r");
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    Wait();
  }
  std::fclose(output_);
}

std::string Process::ReadLine() {
  std::string line;
  for (int c = std::fgetc(output_); c != EOF && c != '\n'; c = std::fgetc(output_)) {
    line += static_cast<char>(c);
  }
  return line;
}

std::string Process::ReadAll() {
  std::string text;
  for (int c = std::fgetc(output_); c != EOF; c = std::fgetc(output_)) {
    text += static_cast<char>(c);
  }
  return text;
}

void Process::Signal(int signal) {
  ::kill(pid_, signal);
}

int Process::Wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int RunProgram(const std::vector<std::string>& argv, std::string* output) {
  Process process(argv);
  const std::string text = process.ReadAll();
  if (output != nullptr) {
    *output = text;
  }
  return process.Wait();
}

}  // namespace semblance::testing
