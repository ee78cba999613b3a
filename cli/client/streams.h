// The arguments of a command and the streams that it prints to.
//
// Not thread-safe.
#ifndef SEMBLANCE_CLI_CLIENT_STREAMS_H_
#define SEMBLANCE_CLI_CLIENT_STREAMS_H_

#include <ostream>
#include <string>
#include <vector>

namespace semblance::cli {

struct Streams {
  std::ostream& out;
  std::ostream& err;
};

using Arguments = std::vector<std::string>;

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_CLIENT_STREAMS_H_
