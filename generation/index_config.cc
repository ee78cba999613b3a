#include "generation/index_config.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "index/index_spec.h"

namespace semblance::generation {
namespace {

absl::Status Invalid(absl::string_view field, absl::string_view what) {
  return InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(field, " ", what));
}

// The default for 0.
absl::StatusOr<int32_t> Complete(absl::string_view field, int32_t value, int32_t default_value, int32_t max) {
  if (value < 0 || value > max) {
    return Invalid(field, absl::StrCat("is ", value, "; it must be between 1 and ", max));
  }
  return value == 0 ? default_value : value;
}

}  // namespace

absl::StatusOr<v1::IndexConfig> CompleteIndexConfig(v1::IndexConfig config) {
  if (config.factory().empty()) {
    config.set_factory("auto");
  }
  if (const auto spec = index::ParseIndexSpec(config.factory()); !spec.ok()) {
    return InvalidField("index.factory", v1::ERROR_REASON_CONFIG_INVALID, spec.status().message());
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const int32_t seal_rows, Complete("index.seal_rows", config.seal_rows(), 8192, 1 << 24));
  config.set_seal_rows(seal_rows);
  SEMBLANCE_ASSIGN_OR_RETURN(const int32_t candidates,
                             Complete("index.hnsw_ef_construction", config.hnsw_ef_construction(), 200, 4096));
  config.set_hnsw_ef_construction(candidates);
  if (config.target_recall() == 0) {
    config.set_target_recall(0.99);
  }
  if (!(config.target_recall() >= 0.5 && config.target_recall() <= 1)) {
    return Invalid("index.target_recall", absl::StrCat("is ", config.target_recall(), "; it must be between 0.5 and 1"));
  }
  if (config.memory_budget_mib() < 0) {
    return Invalid("index.memory_budget_mib", absl::StrCat("is ", config.memory_budget_mib(), "; it must not be negative"));
  }
  return config;
}

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
