// Turns semblance.v1.IndexConfig into the options of an index.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_GENERATION_INDEX_CONFIG_H_
#define SEMBLANCE_GENERATION_INDEX_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "index/segmented_index.h"
#include "semblance/v1/server_config.pb.h"

namespace semblance::generation {

// The options of a generation's index. `factory` comes from the manifest of the generation; an empty one leaves the choice to
// `config`. Errors: InvalidArgument/CONFIG_INVALID, field "index_factory", for a factory that does not parse or does not fit the
// dimension. REQUIRES: `config` is complete (see config/server_config.h).
absl::StatusOr<index::SegmentedIndexOptions> IndexOptionsOf(const v1::IndexConfig& config, const std::string& factory,
                                                            int dimension);

}  // namespace semblance::generation

#endif  // SEMBLANCE_GENERATION_INDEX_CONFIG_H_
