#include "generation/index_config.h"

#include "common/error.h"
#include "index/index_spec.h"

namespace semblance::generation {
absl::StatusOr<index::SegmentedIndexOptions> IndexOptionsOf(const v1::IndexConfig& config, const std::string& factory,
                                                            int dimension) {
  const auto spec = index::ParseIndexSpec(factory.empty() ? config.factory() : factory);
  const absl::Status status = spec.ok() ? index::ValidateIndexSpec(*spec, dimension) : spec.status();
  if (!status.ok()) {
    return InvalidField("index_factory", v1::ERROR_REASON_CONFIG_INVALID, status.message());
  }
  index::SegmentedIndexOptions options;
  options.dimension = dimension;
  options.spec = *spec;
  options.seal_rows = config.seal_rows();
  options.hnsw_ef_construction = config.hnsw_ef_construction();
  options.target_recall = config.target_recall();
  options.memory_budget_bytes = config.memory_budget_mib() << 20;
  return options;
}

}  // namespace semblance::generation
