// semblance: the client command line.
#include <iostream>

#include "cli/commands.h"
#include "common/logging.h"

int main(int argc, char** argv) {
  semblance::InitLogging(argv[0]);
  return semblance::cli::RunCommand(semblance::cli::Arguments(argv + 1, argv + argc), {std::cout, std::cerr});
}
