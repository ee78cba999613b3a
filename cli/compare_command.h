// `semblance generations compare`.
#ifndef SEMBLANCE_CLI_COMPARE_COMMAND_H_
#define SEMBLANCE_CLI_COMPARE_COMMAND_H_

#include "cli/commands.h"

namespace semblance {

int RunCompare(const Arguments& args, const Streams& streams);

}  // namespace semblance

#endif  // SEMBLANCE_CLI_COMPARE_COMMAND_H_
