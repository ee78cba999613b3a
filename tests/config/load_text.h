// Loads training configurations that are written in a test.
#ifndef SEMBLANCE_TESTS_CONFIG_LOAD_TEXT_H_
#define SEMBLANCE_TESTS_CONFIG_LOAD_TEXT_H_

#include <fstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/training_config.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {

// The shortest configuration that is valid.
inline constexpr char kSmallest[] = "model_name: 'm' output_dir: 'o' data { path: 'p' }";

inline absl::StatusOr<v1::TrainingConfig> LoadText(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const TempDir dir;
  std::ofstream(dir.Join("c.textproto")) << text;
  return config::LoadTrainingConfig(dir.Join("c.textproto"), overrides);
}

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_CONFIG_LOAD_TEXT_H_
