// Runs the benchmark itself, with a small load.
#include <nlohmann/json.hpp>
#include <string>

#include "common/file.h"
#include "gtest/gtest.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::bench {
namespace {

using nlohmann::json;

TEST(ReloadBenchmark, EveryAnswerUnderLoadIsThatOfTheGenerationItNames) {
  const testing::TempDir directory;
  const std::string output = directory.Join("reload.json");
  ASSERT_EQ(testing::RunProgram({SEMBLANCE_BIN_DIR "/semblance-bench-reload", "--items=300", "--seconds=1", "--swaps=10",
                                 "--swaps_per_second=5", "--load_percent=30", "--output=" + output}),
            0);
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(output));
  const json result = json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  for (const char* const key :
       {"items",           "capacity_per_second", "closed_loop_searches", "searches",        "writes",          "failed_requests",
        "mixed_answers",   "activations",         "swaps_per_second",     "build_seconds",   "p50_idle_ms",     "p50_building_ms",
        "p50_swapping_ms", "p50_after_ms",        "p99_idle_ms",          "p99_building_ms", "p99_swapping_ms", "p99_after_ms",
        "ratio_building",  "ratio_swapping",      "activation_pause_ms"}) {
    ASSERT_TRUE(result.contains(key) && result[key].is_number()) << key << " in " << text;
    const std::string name = key;
    if (name == "failed_requests" || name == "mixed_answers") {
      EXPECT_EQ(result[key], 0) << key;
    } else {
      EXPECT_GT(result[key], 0) << key;
    }
  }
  EXPECT_EQ(result["items"], 300);
  EXPECT_EQ(result["activations"], 10);
  ASSERT_EQ(result["server_sizes"].size(), 11u) << text;
  for (const json& size : result["server_sizes"]) {
    EXPECT_GT(size["memory_kib"], 0);
    EXPECT_GT(size["threads"], 0);
    EXPECT_GT(size["descriptors"], 0);
  }
}

}  // namespace
}  // namespace semblance::bench
