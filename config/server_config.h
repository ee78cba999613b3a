// The server's configuration: semblance.v1.ServerConfig, completed and checked.
//
// Thread-safe: functions without state.
//
// Errors: InvalidArgument with reason CONFIG_INVALID, the path of the field, its value and its range.
#ifndef SEMBLANCE_CONFIG_SERVER_CONFIG_H_
#define SEMBLANCE_CONFIG_SERVER_CONFIG_H_

#include "absl/status/statusor.h"
#include "semblance/v1/server_config.pb.h"

namespace semblance::config {

// The configuration with a value in every field, as server_config.proto says. Some fields stay unset: `index.memory_budget_mib`,
// which the index fills in; those of `batching` that depend on the device; and those that only a pod in a cluster knows.
absl::StatusOr<v1::ServerConfig> CompleteServerConfig(v1::ServerConfig config);

// The same for the part that semblance-builder reads. Paths in errors begin with "index.".
absl::StatusOr<v1::IndexConfig> CompleteIndexConfig(v1::IndexConfig config);

}  // namespace semblance::config

#endif  // SEMBLANCE_CONFIG_SERVER_CONFIG_H_
