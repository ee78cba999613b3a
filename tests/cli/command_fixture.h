// Runs commands against a fake server and keeps what they print.
#ifndef SEMBLANCE_TESTS_CLI_COMMAND_FIXTURE_H_
#define SEMBLANCE_TESTS_CLI_COMMAND_FIXTURE_H_

#include <fstream>
#include <sstream>
#include <string>

#include "cli/commands.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {

class CommandFixture : public ::testing::Test {
 protected:
  // Runs a command against the fake server. Returns the exit code, and leaves what was printed in out_ and err_.
  int Run(cli::Arguments args) {
    args.push_back("--server=" + server_.address());
    return RunAlone(args);
  }

  int RunAlone(const cli::Arguments& args) {
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code = cli::RunCommand(args, {out, err});
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }

  // Makes a file in the test's directory, and returns its path.
  std::string MakeFile(const std::string& name, const std::string& content) {
    std::string path = dir_.Join(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  const TempDir dir_;
  FakeServer server_;
  std::string out_;
  std::string err_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CLI_COMMAND_FIXTURE_H_
