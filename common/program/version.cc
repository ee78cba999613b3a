#include "common/program/version.h"

namespace semblance {

absl::string_view Version() {
  return SEMBLANCE_VERSION;
}

}  // namespace semblance
