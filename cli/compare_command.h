// The command `semblance generations compare`.
#ifndef SEMBLANCE_CLI_COMPARE_COMMAND_H_
#define SEMBLANCE_CLI_COMPARE_COMMAND_H_

#include "cli/commands.h"

namespace semblance::cli {

int RunCompare(const Arguments& args, const Streams& streams);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_COMPARE_COMMAND_H_
