// semblance.v1.IndexConfig: its defaults, and what it means for an index.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_GENERATION_INDEX_CONFIG_H_
#define SEMBLANCE_GENERATION_INDEX_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "index/segmented_index.h"
#include "semblance/v1/server_config.pb.h"

namespace semblance::generation {

// The config with every unset field filled in by its default (server_config.proto names them). Errors:
// InvalidArgument/CONFIG_INVALID, field "index.<name>" and range.
absl::StatusOr<v1::IndexConfig> CompleteIndexConfig(v1::IndexConfig config);

// How the index of a generation is built: `config`, which is complete, with the `factory` of its manifest in place of the config's,
// unless that is empty. Errors: InvalidArgument/CONFIG_INVALID, field "index_factory", for a factory that is none, or none for
// vectors of that dimension.
absl::StatusOr<index::SegmentedIndexOptions> IndexOptionsOf(const v1::IndexConfig& config, const std::string& factory,
                                                            int dimension);

}  // namespace semblance::generation

#endif  // SEMBLANCE_GENERATION_INDEX_CONFIG_H_
